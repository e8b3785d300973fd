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
const external = saga({ action: charge, compensate: nothing, external: true });

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
    'D1 D2 an external handler without a database',
    [participant({ name: 'payment', handlers: { charge: external } })],
    /'payment', handler 'charge': expected a database for its fence, got none; .*also where the effect is outside of it/,
  ],
  [
    'a missing function',
    [participant({ name: 'payment', handlers: { charge: { ...unfenced, rollback: undefined as never } } })],
    /handler 'charge': expected a function for compensate, got undefined/,
  ],
  [
    'a plain function instead of a handler',
    [{ ...participant({ name: 'payment', handlers: {} }), handlers: new Map([['charge', charge]]) }],
    /handler 'charge': expected saga\(\{ action, compensate \}\), .*, got a function/,
  ],
  [
    'one participant without its list',
    participant({ name: 'payment', handlers: {} }) as never,
    /expected a list .*, got one object/,
  ],
  ['what is no participant', [{}], /@Participant\('name'\)/],
  ['a class instead of its instance', [class {} as object], /expected instances of decorated classes.*got function/],
];

for (const [what, participants, expected] of wrong) {
  test(`${what} is told at start, in words that say what to do`, (t) => {
    t.throws(() => checkDefinitions(participants, keptLog()), { instanceOf: TypeError, message: expected });
  });
}

const untyped: readonly [string, (...given: never[]) => unknown, readonly unknown[], RegExp][] = [
  ['a saga of nothing', saga, [], /^saga: expected options as an object, of action, compensate, .*; got undefined$/],
  ['a function for a saga', saga, [charge], /^saga: expected options as an object, .*; got a function$/],
  ['a typo in a saga', saga, [{ action: charge, compensat: nothing }], /^saga: expected no options but .*"compensat"$/],
  ['a typo in a tcc', tcc, [{ try: charge, confrim: nothing, cancel: nothing }], /^tcc: .*, got "confrim"$/],
  [
    'a participant of nothing',
    participant,
    [],
    /^participant: expected options as an object, of name, .*; got undefined$/,
  ],
  ['a typo in a participant', participant, [{ name: 'p', handler: {} }], /^participant: .*, got "handler"$/],
  ['no handlers', participant, [{ name: 'p' }], /^participant "p": handlers: expected an object .* got undefined$/],
  ['a list of handlers', participant, [{ name: 'p', handlers: [unfenced] }], /^participant "p": handlers: expected/],
];

for (const [what, make, given, message] of untyped) {
  test(`${what}, from a program without types, is told where it is written`, (t) => {
    t.throws(() => Reflect.apply(make, undefined, given), { instanceOf: TypeError, message });
  });
}

test('a handler that a remote has no method for is named at start', (t) => {
  const log = keptLog();
  const handlers = { toString: unfenced, catch: unfenced, charge: unfenced };
  checkDefinitions([participant({ name: 'payment', handlers })], log);
  const odd = log.lines.flatMap(
    ({ message }) => /^a Remote has no method for the handler '(\w+)'/.exec(message)?.[1] ?? [],
  );
  t.deepEqual(odd, ['toString', 'catch']);
});

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
