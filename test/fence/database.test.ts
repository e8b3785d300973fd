/** Work in the participant's own database. */
import test from 'ava';
import { Pending, Refused } from '../../sdk/protocol/answers.js';
import { connect, effect, effects, fileOf, gate, handlerOf, openBank, rows, startBank, word } from './bank.js';

test('C1 B2 a repeated forward op has one effect and the same answer', async (t) => {
  const { db, send } = await startBank(t);
  const first = await send('action', { input: { amount: 7 } });
  const second = await send('action', { input: { amount: 8 } });
  t.deepEqual(first, { kind: 'done', output: { amount: 7 } });
  t.deepEqual(second, first);
  t.deepEqual(await effects(db), ['do x1.1']);
});

test('C1 a refusal takes back the work, is kept and repeated', async (t) => {
  let refuses = true;
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      await effect(tx, 'do');
      if (refuses) throw new Refused('no money', { code: 'poor' });
    },
  });
  const { db, send } = await startBank(t, { saga });
  const first = await send('action');
  refuses = false;
  t.deepEqual(first, { kind: 'refused', reason: 'no money', code: 'poor' });
  t.deepEqual(await send('action'), first);
  t.deepEqual(await effects(db), []);
  t.deepEqual(await rows(db), [{ xid: 'x1', phase: 1, op: 'action', outcome: 'refused' }]);
});

test('B3 an error keeps nothing, and a repeat does the work', async (t) => {
  let fails = true;
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      await effect(tx, 'do');
      if (fails) throw new Error('broke');
    },
  });
  const { db, send } = await startBank(t, { saga });
  await t.throwsAsync(send('action'), { message: 'broke' });
  t.deepEqual(await rows(db), []);
  fails = false;
  t.is(word(await send('action')), 'done');
  t.deepEqual(await effects(db), ['do x1.1']);
});

test('Pending of work in the database takes it back and keeps nothing', async (t) => {
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      await effect(tx, 'do');
      throw new Pending({ retryAfterMs: 5 });
    },
  });
  const { db, send } = await startBank(t, { saga });
  t.deepEqual(await send('action'), { kind: 'pending', retryAfterMs: 5, running: false });
  t.deepEqual([await effects(db), await rows(db)], [[], []]);
});

test('D1 a rollback op without its forward op is recorded and does nothing', async (t) => {
  const { db, send } = await startBank(t);
  for (const _ of [1, 2]) t.deepEqual(await send('cancel'), { kind: 'done', output: null });
  t.deepEqual(await effects(db), []);
  t.deepEqual(await rows(db), [
    { xid: 'x1', phase: 1, op: 'cancel', outcome: 'empty' },
    { xid: 'x1', phase: 2, op: 'cancel', outcome: 'empty' },
  ]);
});

test('D2 C7 a forward op that comes after that is suppressed, each time', async (t) => {
  const { db, send } = await startBank(t);
  await send('cancel');
  for (const _ of [1, 2]) t.is(word(await send('try')), 'refused suppressed');
  t.deepEqual(await effects(db), []);
});

test('D6 a forward op repeated after it was undone is suppressed, and never looks like a success', async (t) => {
  const { db, send } = await startBank(t);
  await send('try');
  await send('cancel', { forward: 'done' });
  t.is(word(await send('try')), 'refused suppressed');
  t.deepEqual(await effects(db), ['do x1.1', 'undo x1.1']);
});

test('D4 a repeated confirm has one effect', async (t) => {
  const { db, send } = await startBank(t);
  await send('try');
  for (const _ of [1, 2]) t.deepEqual(await send('confirm', { forward: 'done' }), { kind: 'done', output: null });
  t.deepEqual(await effects(db), ['do x1.1', 'confirm x1.1']);
});

test('D5 confirm and cancel exclude each other: the second is a contradiction', async (t) => {
  const { db, send } = await startBank(t);
  for (const [xid, said, opposite] of [
    ['x1', 'confirm', 'cancel'],
    ['x2', 'cancel', 'confirm'],
  ] as const) {
    await send('try', { xid });
    await send(said, { xid, forward: 'done' });
    for (const _ of [1, 2]) t.is(word(await send(opposite, { xid, forward: 'done' })), 'refused contradiction');
    t.is(word(await send(said, { xid, forward: 'done' })), 'done');
  }
  t.deepEqual(await effects(db), ['do x1.1', 'confirm x1.1', 'do x2.1', 'undo x2.1']);
});

test('B5 what the coordinator saw done, but is not known here, is forward_missing and keeps nothing', async (t) => {
  const { db, send } = await startBank(t);
  for (const op of ['cancel', 'confirm'] as const) {
    for (const _ of [1, 2]) t.is(word(await send(op, { forward: 'done' })), 'refused forward_missing');
  }
  t.is(word(await send('confirm')), 'refused forward_missing');
  t.deepEqual(await rows(db), []);
  t.is(word(await send('try')), 'done');
});

test('D1 a rollback op after a refusal is empty; told that it was done, it is forward_missing', async (t) => {
  const refusing = handlerOf('saga', { forward: () => Promise.reject(new Refused('no')) });
  const { db, send } = await startBank(t, { saga: refusing });
  await send('action');
  t.is(word(await send('compensate', { forward: 'done' })), 'refused forward_missing');
  t.is(word(await send('compensate', { forward: 'refused' })), 'done');
  t.deepEqual(await effects(db), []);
});

test('I6 a refused commit or rollback op is refused again to copies of its command, and worked by the next attempt', async (t) => {
  let refuses = true;
  const tcc = handlerOf('tcc', {
    rollback: async (_input, tx) => {
      await effect(tx, 'undo');
      if (refuses) throw new Refused('not now', { code: 'held' });
    },
  });
  const { db, send } = await startBank(t, { tcc });
  await send('try');
  for (const attempt of [1, 2]) t.is(word(await send('cancel', { attempt })), 'refused held');
  t.deepEqual(await effects(db), ['do x1.1']);
  t.is((await rows(db)).length, 2);
  refuses = false;
  // What the network kept back of either attempt comes now.
  for (const attempt of [2, 1])
    t.deepEqual(await send('cancel', { attempt }), { kind: 'refused', reason: 'not now', code: 'held' });
  t.deepEqual(await effects(db), ['do x1.1']);
  for (const attempt of [3, 2]) t.is(word(await send('cancel', { attempt })), 'done');
  t.deepEqual(await effects(db), ['do x1.1', 'undo x1.1']);
});

test('the undo has the output from the fence, else from the command', async (t) => {
  const seen: unknown[] = [];
  const tcc = handlerOf('tcc', {
    rollback: async (_input, tx) => void seen.push(tx.output, tx.forward, tx.forwardKey),
  });
  const { send } = await startBank(t, { tcc });
  await send('try', { input: { held: 3 } });
  await send('cancel', { output: { held: 4 }, forward: 'done' });
  t.deepEqual(seen, [{ held: 3 }, 'done', 'origin-1-x1-1-try']);
});

test('a message has no forward op and is delivered once', async (t) => {
  const { db, send } = await startBank(t, { mail: handlerOf('message', { commit: (_i, tx) => effect(tx, 'mail') }) });
  for (const _ of [1, 2]) t.is(word(await send('deliver', { handler: 'mail' })), 'done');
  t.deepEqual(await effects(db), ['mail x1.1']);
});

test('D9 the key is given: origins, transactions and branches do not meet', async (t) => {
  const { db, send } = await startBank(t);
  await send('try');
  await send('try', { branch: 2 });
  await send('try', { xid: 'x2' });
  await send('try', { origin: 'origin-2' });
  await send('cancel', { xid: 'x2' });
  t.deepEqual(await effects(db), ['do x1.1', 'do x1.2', 'do x2.1', 'do x1.1', 'undo x2.1']);
});

test('D3 a command that meets another one of its branch at work is told to ask again at once', async (t) => {
  const [arrived, held] = [gate(), gate()];
  const tcc = handlerOf('tcc', {
    forward: async (_input, tx) => {
      await effect(tx, 'do');
      arrived.open();
      await held.opened;
    },
  });
  const { db, send } = await startBank(t, { tcc });
  const running = send('try');
  await arrived.opened;
  for (const op of ['try', 'cancel', 'confirm'] as const) t.is(word(await send(op)), 'running');
  held.open();
  t.is(word(await running), 'done');
  t.is(word(await send('cancel')), 'done');
  t.deepEqual(await effects(db), ['do x1.1', 'undo x1.1']);
});

test('D3 D8 a command that meets another process at work is told to ask again, and nothing of it is kept', async (t) => {
  const { db, send } = await startBank(t);
  const beside = connect(fileOf(db));
  t.teardown(() => beside.destroy());
  const trx = await beside.transaction();
  await trx('effects').insert({ effect: 'beside' });
  t.is(word(await send('try')), 'running');
  await trx.commit();
  t.is(word(await send('try')), 'done');
  t.deepEqual(await effects(db), ['beside', 'do x1.1']);
});

test('B5 a database restored from before the work is noticed', async (t) => {
  const { db, send } = await startBank(t);
  const file = fileOf(db);
  await db.raw('vacuum into ?', [`${file}.old`]);
  await send('try');
  const old = await openBank(t, `${file}.old`);
  const restored = await startBank(t, {}, { db: old });
  t.is(word(await restored.send('cancel', { forward: 'done' })), 'refused forward_missing');
  t.is(word(await restored.send('confirm', { forward: 'done' })), 'refused forward_missing');
});

test('text of all kinds survives as an output', async (t) => {
  const output = { nul: 'a\u0000b', quote: `'"\\`, pair: '😀', half: '\ud800', lines: 'a\nb\u2028' };
  const saga = handlerOf('saga', { forward: async () => output });
  const { send } = await startBank(t, { saga });
  t.deepEqual(await send('action'), { kind: 'done', output });
  t.deepEqual(await send('action'), { kind: 'done', output });
});

test('text of all kinds survives as a reason', async (t) => {
  const reason = `a\u0000b '"\\ 😀`;
  const saga = handlerOf('saga', { forward: () => Promise.reject(new Refused(reason)) });
  const { send } = await startBank(t, { saga });
  for (const _ of [1, 2]) t.deepEqual(await send('action'), { kind: 'refused', reason, code: undefined });
});
