/** Looks further than the tests do: `npm run models`, or `npm run models -- --states 3000000 fence` for more of one kind. */
import type { Input } from '../../coordinator/decide/inputs.js';
import { request, spec } from '../decide/requests.js';
import { FlagError, flagsOf, program, wholeNumber } from '../helpers/flags.js';
import { appendModel } from './append.js';
import { explore, type Model, report } from './explore.js';
import { fenceModel } from './fence.js';
import { type ShapeName, scope } from './scopes.js';
import { transactionModel } from './transaction.js';
import type { Budget } from './world.js';

const help = `Looks at every state that a model can come to, breadth first, and says what it found; each has invariants of its own.

npm run models -- [--states N] [transaction] [check-back] [append] [fence]

  --states N  a model with more states than that counts as wrong (1500000), as it may have no end
  KIND        only models of these kinds; by default all

Status 0 when no model has a counterexample, 1 when one has: it is printed, the shortest there is.
`;

const transactions: readonly (readonly [ShapeName, Partial<Budget>])[] = [
  ['a saga step', { failures: 1, copies: 1, people: 1 }],
  ['a saga step', { crashes: 1, pauses: 1 }],
  ['a saga step', { crashes: 2 }],
  ['a saga step', { failures: 1, crashes: 1, lostAnswers: 1 }],
  ['a sequence', { failures: 2 }],
  ['a sequence', { crashes: 1, copies: 1 }],
  ['a sequence', { failures: 1, people: 1 }],
  ['a sequence that is stopped', { crashes: 1 }],
  ['a sequence that is stopped', { pauses: 1 }],
  ['a group', { failures: 1 }],
  ['a group', { copies: 1 }],
  ['a fork', { crashes: 1, failures: 1 }],
  ['a pivot and a message', { crashes: 1, failures: 1, people: 1 }],
  ['a pivot and a message', { pauses: 1, copies: 1 }],
  ['an initiator', { failures: 1 }],
  ['an initiator', { crashes: 1 }],
  ['an initiator', { pauses: 1 }],
  ['an initiator of two', {}],
];

const checkBacks: readonly (readonly [ShapeName, Partial<Budget>])[] = [
  ['a check-back', { failures: 1, crashes: 1 }],
  ['a check-back', { crashes: 1, pauses: 1 }],
  ['a check-back', { copies: 1, lostAnswers: 1, people: 1 }],
  ['a check-back with a step', {}],
];

const requests: readonly Input[] = [
  request(),
  { type: 'add_branch', spec: spec({ id: 'a', kind: 'tcc' }) },
  { type: 'commit' },
  { type: 'rollback', reason: 'asked' },
];

const fences = (['tcc', 'saga', 'message'] as const).flatMap((kind) =>
  [false, true].map((isExternal) => {
    const budget = { forwards: 2, copies: isExternal ? 1 : 4, failures: isExternal ? 1 : 4, restores: 0 };
    return fenceModel({ name: `fence of ${kind}${isExternal ? ' outside' : ''}`, kind, isExternal, budget });
  }),
);

const kinds: Readonly<Record<string, (statesMax: number) => Promise<boolean>>> = {
  transaction: (statesMax) =>
    lookAt(
      transactions.map(([shape, budget]) => transactionModel(scope(shape, budget))),
      statesMax,
    ),
  'check-back': (statesMax) =>
    lookAt(
      checkBacks.map(([shape, budget]) => transactionModel(scope(shape, budget))),
      statesMax,
    ),
  append: (statesMax) =>
    lookAt(
      (
        [
          [1, 0],
          [0, 1],
          [1, 1],
        ] as const
      ).map(([failures, tails]) =>
        appendModel(`appends, ${failures} failures, ${tails} tails`, requests, { failures, tails }),
      ),
      statesMax,
    ),
  fence: (statesMax) => lookAt(fences, statesMax),
};

/** Whether all is well. */
async function lookAt<S>(models: readonly Model<S>[], statesMax: number): Promise<boolean> {
  let isWell = true;
  for (const model of models) {
    const began = performance.now();
    const explored = await explore(model, statesMax);
    console.log(`${report(model, explored)}, ${Math.round((performance.now() - began) / 1000)} s`);
    isWell &&= explored.counterexample === undefined;
  }
  return isWell;
}

await program(async () => {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  const options = { states: { type: 'string', default: '1500000' } } as const;
  const { values, positionals } = flagsOf({ args, options, allowPositionals: true }, help);
  const statesMax = wholeNumber('--states', values.states, 1);
  const unknown = positionals.find((kind) => !Object.hasOwn(kinds, kind));
  if (unknown !== undefined) throw new FlagError(`expected one of ${Object.keys(kinds).join(', ')}, got '${unknown}'`);
  let isWell = true;
  for (const [kind, look] of Object.entries(kinds))
    if (positionals.length === 0 || positionals.includes(kind)) isWell = (await look(statesMax)) && isWell;
  return isWell ? 0 : 1;
});
