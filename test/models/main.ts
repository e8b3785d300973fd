/** Looks further than the tests do: `npm run models`, or `npm run models -- --states 3000000 fence` for more of one kind. */
import { parseArgs } from 'node:util';
import type { Input } from '../../coordinator/decide/inputs.js';
import { request, spec } from '../decide/requests.js';
import { appendModel } from './append.js';
import { explore, type Model, report } from './explore.js';
import { fenceModel } from './fence.js';
import { type ShapeName, scope } from './scopes.js';
import { transactionModel } from './transaction.js';
import type { Budget } from './world.js';

const { values, positionals } = parseArgs({
  options: { states: { type: 'string', default: '1500000' } },
  allowPositionals: true,
});
const statesMax = Number(values.states);

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

const kinds: Readonly<Record<string, () => Promise<boolean>>> = {
  transaction: () => lookAt(transactions.map(([shape, budget]) => transactionModel(scope(shape, budget)))),
  'check-back': () => lookAt(checkBacks.map(([shape, budget]) => transactionModel(scope(shape, budget)))),
  append: () =>
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
    ),
  fence: () => lookAt(fences),
};

/** Whether all is well. */
async function lookAt<S>(models: readonly Model<S>[]): Promise<boolean> {
  let isWell = true;
  for (const model of models) {
    const began = performance.now();
    const explored = await explore(model, statesMax);
    console.log(`${report(model, explored)}, ${Math.round((performance.now() - began) / 1000)} s`);
    isWell &&= explored.counterexample === undefined;
  }
  return isWell;
}

for (const [kind, look] of Object.entries(kinds)) {
  if (positionals.length > 0 && !positionals.includes(kind)) continue;
  if (!(await look())) process.exitCode = 1;
}
