/** Work outside of the database: its rows are committed around it, and no transaction is held. */
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { Pending, Refused } from '../../sdk/protocol/answers.js';
import type { Kind } from '../../sdk/protocol/kinds.js';
import { manualClock } from '../helpers/clock.js';
import { type Bank, gate, handlerOf, rows, startBank, type Teardown, type Works, word } from './bank.js';
import { traced } from './traced.js';

/** Effects are what the provider heard: words and keys. */
async function startOutside(t: Teardown, works: Works = {}, kind: Kind = 'tcc') {
  const clock = manualClock();
  const heard: string[] = [];
  const say = (verb: string) => async (_input: unknown, tx: { idempotencyKey: string }) =>
    void heard.push(`${verb} ${tx.idempotencyKey}`);
  const usual = { forward: say('do'), commit: say('confirm'), rollback: say('undo') };
  const handler = handlerOf(kind, { ...usual, ...works }, { fence: 'external', runMs: 1000 });
  const handlers = { [kind]: handler };
  const bank = await startBank(t, handlers, { clock });
  /** Another process on the same file, which knows nothing of what runs here. */
  const beside = () => startBank(t, handlers, { clock, db: bank.db });
  return { ...bank, clock, heard, beside };
}

const outcomes = async (bank: Pick<Bank, 'db'>) =>
  (await rows(bank.db)).map((row) => (row as { outcome: string }).outcome).join(' ');

test('B2 C1 a repeat is answered from the row, without asking the provider again', async (t) => {
  const bank = await startOutside(t, { forward: async () => ({ ref: 7 }) });
  for (const _ of [1, 2]) t.deepEqual(await bank.send('try'), { kind: 'done', output: { ref: 7 } });
  t.is(await outcomes(bank), 'done');
});

test('the row is committed as started before the handler runs, and the database is free while it does', async (t) => {
  const [arrived, held] = [gate(), gate()];
  const bank = await startOutside(t, {
    forward: async () => {
      arrived.open();
      await held.opened;
    },
  });
  const running = bank.send('try');
  await arrived.opened;
  t.is(await outcomes(bank), 'started');
  t.is(
    word(await bank.send('try', { xid: 'x2', handler: 'saga' }).catch(() => ({ kind: 'done', output: null }))),
    'done',
  );
  held.open();
  t.is(word(await running), 'done');
  t.is(await outcomes(bank), 'done');
});

test('a run costs two transactions, with a statement for its row in each', async (t) => {
  const bank = await startOutside(t);
  await bank.send('try', { xid: 'warm' });
  const said = await traced(t, bank.db);
  await bank.send('try');
  await turn();
  t.deepEqual(said, [
    ...['begin immediate', 'insert into concordat_fence', 'commit'],
    ...['begin immediate', 'select f.* from', 'update concordat_fence set', 'commit'],
  ]);
});

test('tx.db of an external handler says what to do', async (t) => {
  const bank = await startOutside(t, { forward: async (_input, tx) => void tx.db });
  await t.throwsAsync(bank.send('try'), { message: /tx\.db is not there for an external handler.*tx\.idempotencyKey/ });
});

test('a run that left a started row is asked again only when its time is over, with the same key', async (t) => {
  const bank = await startOutside(t);
  await leaveStarted(bank, 'try', 1);
  t.is(word(await bank.send('try')), 'running');
  t.deepEqual(bank.heard, []);
  bank.clock.advance(1000);
  t.is(word(await bank.send('try')), 'done');
  t.deepEqual(bank.heard, ['do origin-1-x1-1-try']);
});

test('a rollback that finds a started row is never empty: it waits for the time of the run, then undoes', async (t) => {
  const seen: unknown[] = [];
  const bank = await startOutside(t, { rollback: async (_input, tx) => void seen.push(tx.output) });
  await leaveStarted(bank, 'try', 1);
  t.is(word(await bank.send('cancel')), 'running');
  t.is(await outcomes(bank), 'started');
  bank.clock.advance(1000);
  t.is(word(await bank.send('cancel', { output: { ref: 1 } })), 'done');
  t.is(word(await bank.send('try')), 'refused suppressed');
  t.deepEqual(seen, [{ ref: 1 }]);
});

test('an error leaves the row: a repeat asks again at once, an undo waits until nothing can come any more', async (t) => {
  let fails = true;
  const keys: string[] = [];
  const bank = await startOutside(t, {
    forward: async (_input, tx) => {
      keys.push(tx.idempotencyKey);
      if (fails) throw new Error('timeout');
    },
  });
  await t.throwsAsync(bank.send('try'), { message: 'timeout' });
  t.is(await outcomes(bank), 'started');
  t.is(word(await bank.send('cancel')), 'running');
  fails = false;
  t.is(word(await bank.send('try')), 'done');
  t.deepEqual(keys, ['origin-1-x1-1-try', 'origin-1-x1-1-try']);
});

test('Pending leaves a pending row: the next repeat asks again at once, and an undo is carried out', async (t) => {
  let asked = 0;
  const bank = await startOutside(t, {
    forward: async () => {
      if (++asked < 3) throw new Pending({ retryAfterMs: 9 });
      return { ref: 1 };
    },
  });
  for (const _ of [1, 2]) t.deepEqual(await bank.send('try'), { kind: 'pending', retryAfterMs: 9, running: false });
  t.is(await outcomes(bank), 'pending');
  t.is(word(await bank.send('cancel', { xid: 'other' })), 'done');
  t.deepEqual(await bank.send('try'), { kind: 'done', output: { ref: 1 } });

  asked = 0;
  await bank.send('try', { xid: 'x2' });
  t.is(word(await bank.send('cancel', { xid: 'x2' })), 'done');
  t.deepEqual(bank.heard, ['undo origin-1-x2-1-cancel']);
});

test('a refusal is kept and repeated', async (t) => {
  let asked = 0;
  const bank = await startOutside(t, {
    forward: async () => {
      asked++;
      throw new Refused('blocked', { code: 'blocked' });
    },
  });
  for (const _ of [1, 2]) t.is(word(await bank.send('try')), 'refused blocked');
  t.is(asked, 1);
  t.is(word(await bank.send('cancel', { forward: 'refused' })), 'done');
  t.deepEqual(bank.heard, []);
});

test('D1 D2 a rollback without its forward op is empty and keeps it away', async (t) => {
  const bank = await startOutside(t);
  t.is(word(await bank.send('cancel')), 'done');
  t.is(word(await bank.send('try')), 'refused suppressed');
  t.deepEqual(bank.heard, []);
  t.is(await outcomes(bank), 'empty empty');
});

test('B5 an undo of what the coordinator saw done, but is not known here, is forward_missing', async (t) => {
  const bank = await startOutside(t);
  for (const op of ['cancel', 'confirm'] as const)
    t.is(word(await bank.send(op, { forward: 'done' })), 'refused forward_missing');
  t.is(await outcomes(bank), '');
});

test('an undo that a crash interrupted is repeated with the same key', async (t) => {
  const bank = await startOutside(t);
  await bank.send('try');
  await leaveStarted(bank, 'cancel', 2);
  t.is(word(await bank.send('cancel')), 'running');
  bank.clock.advance(1000);
  for (const _ of [1, 2]) t.is(word(await bank.send('cancel')), 'done');
  t.deepEqual(bank.heard, ['do origin-1-x1-1-try', 'undo origin-1-x1-1-cancel']);
});

test('I6 an undo that was refused is refused again to its copies, and asked anew by the next attempt', async (t) => {
  const asked: number[] = [];
  const bank = await startOutside(t, {
    rollback: async (_input, tx) => {
      asked.push(tx.attempt);
      if (tx.attempt < 3) throw new Refused('too late');
    },
  });
  await bank.send('try');
  const undo = async (attempt: number) => word(await bank.send('cancel', { forward: 'done', attempt }));
  for (const attempt of [1, 1, 2, 1]) t.is(await undo(attempt), 'refused too late');
  t.is(await outcomes(bank), 'done refused');
  for (const attempt of [3, 3, 2]) t.is(await undo(attempt), 'done');
  t.deepEqual(asked, [1, 2, 3]);
  t.is(await outcomes(bank), 'done done');
});

test('a commit op that finds a pending row settles with the late outcome', async (t) => {
  const seen: unknown[] = [];
  const bank = await startOutside(t, {
    forward: () => Promise.reject(new Pending({ retryAfterMs: 9 })),
    commit: async (_input, tx) => void seen.push(tx.output),
  });
  await bank.send('try');
  t.is(word(await bank.send('confirm', { forward: 'done', output: { late: true } })), 'done');
  t.deepEqual(seen, [{ late: true }]);
  t.is(await outcomes(bank), 'done done');
  t.deepEqual(await bank.db('concordat_fence').orderBy('phase').pluck('result'), ['{"late":true}', null]);
  await bank.send('try', { xid: 'x2' });
  t.is(word(await bank.send('confirm', { xid: 'x2', forward: 'done' })), 'done');
  t.deepEqual(seen, [{ late: true }, undefined]);
});

test('I7 a rollback that finds a pending row has nothing to undo where a late outcome refused it', async (t) => {
  const bank = await startOutside(t, { forward: () => Promise.reject(new Pending({ retryAfterMs: 9 })) });
  await bank.send('try');
  for (const _ of [1, 2]) t.is(word(await bank.send('cancel', { forward: 'refused' })), 'done');
  t.deepEqual(bank.heard, []);
  t.is(await outcomes(bank), 'refused empty');
  t.is(word(await bank.send('try')), 'refused suppressed');
});

test('I7 nor one that finds a run whose time is over; before that it waits, as its effect may still come', async (t) => {
  const bank = await startOutside(t);
  await leaveStarted(bank, 'try', 1);
  t.is(word(await bank.send('cancel', { forward: 'refused' })), 'running');
  bank.clock.advance(1000);
  t.is(word(await bank.send('cancel', { forward: 'refused' })), 'done');
  t.deepEqual(bank.heard, []);
  t.is(await outcomes(bank), 'refused empty');
});

test('a run that outlives its time is not taken for done once the branch was undone', async (t) => {
  const [arrived, held] = [gate(), gate()];
  const bank = await startOutside(t, {
    forward: async () => {
      arrived.open();
      await held.opened;
      return 'late';
    },
  });
  const running = bank.send('try');
  await arrived.opened;
  bank.clock.advance(1000);
  await bank.db('concordat_fence').insert({
    origin: 'origin-1',
    xid: 'x1',
    branch: 1,
    phase: 2,
    op: 'cancel',
    outcome: 'done',
    at: bank.clock.now(),
  });
  held.open();
  await t.throwsAsync(running, { message: /ran for longer than its 1000 ms/ });
  t.is(await outcomes(bank), 'started done');
});

test('nothing is known of a run whose row is gone when it ends', async (t) => {
  const [arrived, held] = [gate(), gate()];
  const bank = await startOutside(t, {
    forward: async () => {
      arrived.open();
      await held.opened;
    },
  });
  const running = bank.send('try');
  await arrived.opened;
  await bank.db('concordat_fence').del();
  held.open();
  await t.throwsAsync(running, { message: /ran for longer than its 1000 ms, and its branch went on without it/ });
  t.is(await outcomes(bank), '');
});

test('the signal is aborted when the time of the run is over', async (t) => {
  const [arrived, held] = [gate(), gate()];
  let signal: AbortSignal | undefined;
  const bank = await startOutside(t, {
    forward: async (_input, tx) => {
      signal = tx.signal;
      arrived.open();
      await held.opened;
    },
  });
  const running = bank.send('try', { expiresAt: bank.clock.now() + 10 });
  await arrived.opened;
  bank.clock.advance(999);
  t.false(signal?.aborted);
  bank.clock.advance(1);
  t.true(signal?.aborted);
  held.open();
  t.is(word(await running), 'done');
});

/** As a process leaves it that was killed in the middle of a run. */
const leaveStarted = (bank: Bank & { clock: { now(): number } }, op: string, phase: number) =>
  bank.db('concordat_fence').insert({
    origin: 'origin-1',
    xid: 'x1',
    branch: 1,
    phase,
    op,
    outcome: 'started',
    at: bank.clock.now(),
  });
