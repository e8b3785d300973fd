/** What stands around the fence: finding the handler, what it is given, and when it is over. */
import { AsyncLocalStorage } from 'node:async_hooks';
import test from 'ava';
import knexFactory from 'knex';
import type { Branch } from '../../sdk/participant/branch.js';
import { systemClock } from '../../sdk/participant/clock.js';
import { type Received, Rejected } from '../../sdk/participant/command.js';
import { createExecutor, type Surroundings } from '../../sdk/participant/execute.js';
import type { Fencing, Handler, ParticipantDefinition } from '../../sdk/participant/handler.js';
import { Pending, Refused } from '../../sdk/protocol/answers.js';
import { limits } from '../../sdk/protocol/limits.js';
import { manualClock } from '../helpers/clock.js';
import { effect, effects, gate, handlerOf, openBank, received, rows, startBank, word } from './bank.js';

test('what is not known here is rejected with 404 and the names that are', async (t) => {
  const { executor, send } = await startBank(t);
  const cases: readonly [Promise<unknown>, string, RegExp][] = [
    [executor.execute({ ...received('action'), participant: 'shop' }), 'unknown_participant', /bank, got 'shop'/],
    [send('action', { handler: 'pay' }), 'unknown_handler', /saga, tcc, got 'pay'/],
    [send('try', { handler: 'saga' }), 'unknown_op', /saga with the ops action, compensate, got .*try/],
    [send('check', { handler: 'saga' }), 'unknown_check', /none, got 'saga'/],
  ];
  for (const [sent, code, message] of cases) {
    const error = await t.throwsAsync(sent, { instanceOf: Rejected, message });
    t.like(error, { status: 404, code });
  }
});

test('G2 a command whose time is over is dropped: when it comes, and when its turn comes', async (t) => {
  const clock = manualClock();
  const held = gate();
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      if (tx.xid === 'slow') await held.opened;
      await effect(tx, 'do');
    },
  });
  const { db, send } = await startBank(t, { saga }, { clock });
  const over = clock.now() + 100;
  const slow = send('action', { xid: 'slow' });
  const queued = send('action', { xid: 'queued', expiresAt: over });
  clock.advance(100);
  await t.throwsAsync(send('action', { expiresAt: over }), { instanceOf: Rejected });
  held.open();
  t.is(word(await slow), 'done');
  t.like(await t.throwsAsync(queued), {
    status: 408,
    code: 'expired',
    message: "participant 'bank', handler 'saga', action: the command's time was over before its turn came",
  });
  t.deepEqual(await effects(db), ['do slow.1']);
  t.is((await rows(db)).length, 1);
});

test('work in the database that outlives its command is taken back and frees the database', async (t) => {
  const clock = manualClock();
  const [arrived, never] = [gate(), gate()];
  let signal: AbortSignal | undefined;
  const hung = handlerOf('saga', {
    forward: async (_input, tx) => {
      signal = tx.signal;
      await effect(tx, 'do');
      arrived.open();
      await never.opened;
    },
  });
  const { db, send } = await startBank(t, { hung }, { clock });
  const running = send('action', { handler: 'hung', expiresAt: clock.now() + 50 });
  await arrived.opened;
  clock.advance(50);
  await t.throwsAsync(running, {
    message:
      /time was over before the handler was done, and its work through tx\.db was taken back.*; use tx\.db alone$/,
  });
  t.true(signal?.aborted);
  t.is(word(await send('action', { xid: 'next' })), 'done');
  t.deepEqual(await effects(db), ['do next.1']);
});

test('a command whose time has no end is not given up, and holds no timer', async (t) => {
  const clock = manualClock();
  const timers: number[] = [];
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      await effect(tx, 'do');
      timers.push(clock.waiting());
    },
  });
  const { send } = await startBank(t, { saga }, { clock });
  await send('action', { xid: 'endless' });
  await send('action', { xid: 'short', expiresAt: clock.now() + 50 });
  t.deepEqual(timers, [0, 1]);
  t.is(clock.waiting(), 0);
});

test('tx names the branch, keys what is asked of others, and brings a ticket', async (t) => {
  let seen: Branch | undefined;
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      seen = tx;
      t.like(tx, { origin: 'origin-1', xid: 'x1', branch: 3, id: 'step', op: 'action', attempt: 4 });
      t.is(tx.idempotencyKey, 'origin-1-x1-3-action');
      t.deepEqual(JSON.parse(tx.ticket), { xid: 'x1', branch: 3, op: 'action', token: 'token' });
      t.false(tx.signal.aborted);
    },
  });
  const { send } = await startBank(t, { saga });
  t.is(word(await send('action', { branch: 3, attempt: 4 })), 'done');
  await t.throwsAsync(async () => seen?.db('effects').insert({ effect: 'late' }), { message: /used after its end/ });
});

test('around stands around the handler alone, and each handler runs in the context it was asked in', async (t) => {
  const context = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const saga = handlerOf('saga', { forward: async () => void seen.push(context.getStore()) });
  const around = (command: Received): Surroundings => ({
    run(work) {
      seen.push(`around ${command.body.xid}`);
      return work();
    },
    unfinished: () => undefined,
  });
  const { send } = await startBank(t, { saga }, { around });
  await Promise.all(['x1', 'x2'].map((xid) => context.run(xid, () => send('action', { xid }))));
  await send('action', { xid: 'x1' });
  t.deepEqual(seen, ['around x1', 'x1', 'around x2', 'x2']);
});

test('a handler without a fence runs bare, each time', async (t) => {
  let answer: () => unknown = () => 'done';
  const bare = handlerOf('saga', { forward: async () => answer() }, { fence: 'none' });
  const { db, send } = await startBank(t, { bare });
  const sent = { handler: 'bare' };
  for (const _ of [1, 2]) t.deepEqual(await send('action', sent), { kind: 'done', output: 'done' });
  answer = () => {
    throw new Refused('no');
  };
  t.is(word(await send('action', sent)), 'refused no');
  answer = () => {
    throw new Pending({ retryAfterMs: 1 });
  };
  t.is(word(await send('action', sent)), 'pending');
  t.deepEqual(await rows(db), []);
});

const unholdable: readonly [unknown, RegExp][] = [
  [10n, /a bigint/],
  [{ paid: { amount: Number.NaN } }, /NaN in 'amount'/],
  [() => 1, /a function/],
  [new Map(), /a Map/],
  [JSON.parse('{"__proto__": 1}'), /__proto__/],
  ['x'.repeat(limits.outcomeBodyBytes), /at most 1048576 bytes/],
];

for (const [output, message] of unholdable) {
  test(`an output that cannot be sent (${message.source}) takes the work back and names the handler`, async (t) => {
    const saga = handlerOf('saga', {
      forward: async (_input, tx) => {
        await effect(tx, 'do');
        return output;
      },
    });
    const { db, send } = await startBank(t, { saga });
    const error = await t.throwsAsync(send('action'), { message });
    t.regex(String(error?.message), /^participant 'bank', handler 'saga', action: expected to return/);
    t.deepEqual([await effects(db), await rows(db)], [[], []]);
  });
}

test('outputs become plain JSON: dates are text, what is undefined is left out', async (t) => {
  const saga = handlerOf('saga', { forward: async () => ({ at: new Date(0), none: undefined, list: [undefined] }) });
  const { send } = await startBank(t, { saga });
  const output = { at: '1970-01-01T00:00:00.000Z', list: [null] };
  for (const _ of [1, 2]) t.deepEqual(await send('action'), { kind: 'done', output });
});

test('closing aborts the signals of what runs, waits for it and takes no more', async (t) => {
  const [arrived, held] = [gate(), gate()];
  let signal: AbortSignal | undefined;
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      signal = tx.signal;
      arrived.open();
      await held.opened;
    },
  });
  const { executor, send } = await startBank(t, { saga });
  const running = send('action');
  await arrived.opened;
  const closed = executor.close();
  t.true(signal?.aborted);
  t.like(await t.throwsAsync(send('action', { xid: 'x2' })), { status: 503 });
  held.open();
  t.is(word(await running), 'done');
  await closed;
});

const definitionOf = (db: unknown, handler: Handler = handlerOf('saga')): ParticipantDefinition => ({
  name: 'bank',
  db: db as ParticipantDefinition['db'],
  resourceGroup: undefined,
  handlers: new Map([['pay', handler]]),
  checks: new Map(),
});

const prepared = async (db: unknown): Promise<void> =>
  createExecutor({ definitions: [definitionOf(db)], clock: systemClock, log: { warn: () => undefined } }).prepare();

test('a database that cannot have a fence is told with what to do', async (t) => {
  const other = knexFactory({ client: class extends (await fakeClient()) {} as never });
  const file = await openBank(t);
  const trx = await file.transaction();
  t.teardown(() => trx.rollback());
  const cases: readonly [unknown, RegExp][] = [
    [undefined, /participant 'bank', handler 'pay': expected a database for its fence, got none; give/],
    [{}, /participant 'bank', db: expected what knex\(\{client: 'sqlite3' or 'pg', …\}\) answers, got a object/],
    [trx, /expected a knex instance, got a transaction of one/],
    [other, /expected a knex client of sqlite3, pg, got 'db2'.*fence: 'none'/],
  ];
  for (const [db, message] of cases) await t.throwsAsync(() => prepared(db), { instanceOf: TypeError, message });
});

/** A client of a database that the fence does not know. */
const fakeClient = async () => {
  const { Client } = (await import('knex')).default;
  return class extends (Client as unknown as new (config: object) => object) {
    readonly driverName = 'db2';
  };
};

test('a table of that name that is not the fence is told, not written to', async (t) => {
  const db = await openBank(t);
  await db.raw('create table concordat_fence (id integer, origin text, at integer)');
  await t.throwsAsync(prepared(db), { message: /expected the table concordat_fence.*without xid, branch/ });
});

test('D1 D2 I6 without a database a handler runs only where it says fence none: an external one has its fence there', async (t) => {
  const open = (fence: Fencing) =>
    createExecutor({
      definitions: [definitionOf(undefined, handlerOf('saga', { forward: async () => 1 }, { fence }))],
      clock: systemClock,
      log: { warn: () => undefined },
    });
  t.throws(() => open('external'), { instanceOf: TypeError, message: /'pay': expected a database for its fence/ });
  const executor = open('none');
  await executor.prepare();
  t.deepEqual(await executor.execute({ ...received('action'), handler: 'pay' }), { kind: 'done', output: 1 });
});
