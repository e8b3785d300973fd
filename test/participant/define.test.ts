import test from 'ava';
import knex from 'knex';
import { message, participant, saga, tcc } from '../../sdk/participant/define.js';
import { checkDefinitions } from '../../sdk/participant/definitions.js';
import { keptLog } from './hosting.js';

interface Charge {
  readonly cents: number;
}
interface Receipt {
  readonly receipt: string;
}

const nothing = async (): Promise<void> => undefined;
const charge = async (input: Charge): Promise<Receipt> => ({ receipt: String(input.cents) });
const unfenced = saga({ fence: 'none', action: charge, compensate: nothing });
const fenced = saga({ action: charge, compensate: nothing });

test('plain functions make the handlers of a participant', (t) => {
  const deliver = async (input: Charge): Promise<void> => void input;
  const made = participant({
    name: 'payment',
    resourceGroup: 'money',
    handlers: {
      charge: saga({ action: charge, compensate: nothing, external: true, runMs: 5000 }),
      reserve: tcc({ try: charge, confirm: nothing, cancel: nothing, fence: 'none' }),
      notify: message({ deliver }),
    },
    checks: { placed: async () => 'commit' },
  });
  t.like(made, { name: 'payment', resourceGroup: 'money', db: undefined });
  t.like(made.handlers.get('charge'), { kind: 'saga', fence: 'external', runMs: 5000, forward: charge });
  t.like(made.handlers.get('reserve'), { kind: 'tcc', fence: 'none', commit: nothing, rollback: nothing });
  t.like(made.handlers.get('notify'), { kind: 'message', fence: 'database', commit: deliver });
  t.deepEqual([...made.checks.keys()], ['placed']);
});

test('the undo gets what the forward op returned: everything else is an error of the compiler', (t) => {
  saga({ action: charge, compensate: async (input, tx) => void [input.cents, tx.output.receipt] });
  tcc({ try: charge, confirm: async (_, tx) => void tx.output.receipt, cancel: async (input) => void input.cents });
  // @ts-expect-error the output has no such member
  saga({ action: charge, compensate: async (_, tx) => void tx.output.recipe });
  // @ts-expect-error the input is another
  saga({ action: charge, compensate: async (input: { readonly euros: number }) => void input });
  // @ts-expect-error an external answer may have been lost
  saga({ action: charge, external: true, compensate: async (_, tx) => void tx.output.receipt });
  saga({ action: charge, external: true, compensate: async (_, tx) => void tx.output?.receipt });
  // @ts-expect-error a tcc handler has three functions
  tcc({ try: charge, cancel: nothing });
  t.throws(() => saga({ action: charge, compensate: nothing, external: true, fence: 'none' }), {
    instanceOf: TypeError,
    message: /either external or fence/,
  });
  t.throws(() => saga({ action: charge, compensate: nothing, runMs: 0 }), { message: /runMs: expected ms above 0/ });
});

const wrong: readonly [string, readonly object[], RegExp][] = [
  ['nobody to serve', [], /expected at least one/],
  [
    'one name twice',
    [
      participant({ name: 'payment', handlers: { charge: unfenced } }),
      participant({ name: 'payment', handlers: { charge: unfenced } }),
    ],
    /expected different names, got 'payment' twice/,
  ],
  [
    'a bad name',
    [participant({ name: '_payment', handlers: { charge: unfenced } })],
    /participant: expected a name.*"_payment"/,
  ],
  [
    'a bad handler name',
    [participant({ name: 'payment', handlers: { 'a b': unfenced } })],
    /handler: expected a name.*"a b"/,
  ],
  [
    'nothing to do',
    [participant({ name: 'payment', handlers: {} })],
    /'payment': expected a handler or a check, got neither/,
  ],
  [
    'a fence without a database',
    [participant({ name: 'payment', handlers: { charge: fenced } })],
    /'payment', handler 'charge': expected a database for its fence, got none; give the participant its db .*fence: 'none'/,
  ],
  [
    'a missing function',
    [participant({ name: 'payment', handlers: { charge: { ...unfenced, rollback: undefined as never } } })],
    /handler 'charge': expected a function for compensate, got undefined/,
  ],
  ['what is no participant', [{}], /@Participant\('name'\)/],
  ['a class instead of its instance', [class {} as object], /expected instances of decorated classes.*got function/],
];

for (const [what, participants, expected] of wrong) {
  test(`${what} is told at start, in words that say what to do`, (t) => {
    t.throws(() => checkDefinitions(participants, keptLog()), { instanceOf: TypeError, message: expected });
  });
}

test('handlers without a fence are named at start, the others are not', (t) => {
  const log = keptLog();
  const db = knex({ client: 'sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true });
  t.teardown(() => db.destroy());
  checkDefinitions([participant({ name: 'payment', db, handlers: { charge: fenced, check: unfenced } })], log);
  t.deepEqual(
    log.lines.map(({ level, fields }) => [level, fields]),
    [['warn', { handlers: ['payment/check'] }]],
  );
});
