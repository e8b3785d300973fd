/** What a service without the SDK must do by itself: the inbox of the example, over HTTP and on a real file. */
import path from 'node:path';
import test from 'ava';
import { type Json, Refused } from '../../../examples/08-plain-http/answers.js';
import { openDatabase } from '../../../examples/08-plain-http/database.js';
import { createInbox, inboxTable } from '../../../examples/08-plain-http/inbox.js';
import { temporary } from '../../helpers/temporary.js';
import { ledger, type Name, rows, send, startService } from './shop.js';

interface Case {
  readonly name: Name;
  readonly handler: string;
  readonly forward: string;
  readonly rollback: string;
  readonly good: Json;
  readonly bad: Json;
  readonly effect: string;
  readonly undo: string;
}

const cases: readonly Case[] = [
  {
    name: 'payment',
    handler: 'charge',
    forward: 'action',
    rollback: 'compensate',
    good: { customer: 'ann', amountCents: 700 },
    bad: { customer: 'bob', amountCents: 700 },
    effect: 'payment.charged x1 1',
    undo: 'payment.refunded x1 1',
  },
  {
    name: 'stock',
    handler: 'reserve',
    forward: 'try',
    rollback: 'cancel',
    good: { sku: 'tea', quantity: 2 },
    bad: { sku: 'kettle', quantity: 1 },
    effect: 'stock.reserved x1 1',
    undo: 'stock.freed x1 1',
  },
];

for (const { name, handler, forward, rollback, good, bad, effect, undo } of cases) {
  test(`C1 ${name}: a repeated ${forward} is answered alike and has one effect`, async (t) => {
    const { url, db } = await startService(t, name);
    const first = await send(url, handler, forward, { input: good });
    const second = await send(url, handler, forward, { input: good });
    t.is(first.status, 200);
    t.deepEqual([second.status, second.body], [200, first.body]);
    t.deepEqual(await ledger(db), [effect]);
  });

  test(`C1 ${name}: a refusal is kept and repeated, even when the cause is gone`, async (t) => {
    const { url, db } = await startService(t, name);
    const first = await send(url, handler, forward, { input: bad });
    t.is(first.status, 409);
    t.is(first.headers['content-type'], 'application/problem+json; charset=utf-8');
    const second = await send(url, handler, forward, { input: good });
    t.deepEqual([second.status, second.body], [409, first.body]);
    t.deepEqual(await ledger(db), []);
    t.deepEqual(await rows(db, 'select phase, outcome, code from inbox'), [
      { phase: 1, outcome: 'refused', code: first.code! },
    ]);
  });

  test(`D1 ${name}: ${rollback} without a forward op is recorded and does nothing`, async (t) => {
    const { url, db } = await startService(t, name);
    for (const _ of [1, 2]) t.is((await send(url, handler, rollback, { input: good })).status, 200);
    t.deepEqual(await ledger(db), []);
    t.deepEqual(await rows(db, 'select phase, op, outcome from inbox order by phase'), [
      { phase: 1, op: rollback, outcome: 'empty' },
      { phase: 2, op: rollback, outcome: 'empty' },
    ]);
  });

  test(`D1 ${name}: ${rollback} after a refusal is empty too`, async (t) => {
    const { url, db } = await startService(t, name);
    await send(url, handler, forward, { input: bad });
    t.is((await send(url, handler, rollback, { input: bad, forward: 'refused' })).status, 200);
    t.deepEqual(await ledger(db), []);
  });

  test(`D2 C7 ${name}: ${forward} that comes after its ${rollback} is suppressed`, async (t) => {
    const { url, db } = await startService(t, name);
    await send(url, handler, rollback, { input: good });
    for (const _ of [1, 2]) {
      const late = await send(url, handler, forward, { input: good });
      t.deepEqual([late.status, late.code], [409, 'suppressed']);
    }
    t.deepEqual(await ledger(db), []);
  });

  test(`D6 ${name}: ${forward} repeated after the branch was undone never looks like a success`, async (t) => {
    const { url, db } = await startService(t, name);
    await send(url, handler, forward, { input: good });
    await send(url, handler, rollback, { input: good, forward: 'done' });
    t.is((await send(url, handler, forward, { input: good })).code, 'suppressed');
    t.deepEqual(await ledger(db), [effect, undo]);
  });

  test(`C1 ${name}: a repeated ${rollback} undoes once`, async (t) => {
    const { url, db } = await startService(t, name);
    await send(url, handler, forward, { input: good });
    const first = await send(url, handler, rollback, { input: good, forward: 'done' });
    const second = await send(url, handler, rollback, { input: good, forward: 'done' });
    t.deepEqual([first.status, second.status, second.body], [200, 200, first.body]);
    t.deepEqual(await ledger(db), [effect, undo]);
  });

  test(`D3 ${name}: ${rollback} that meets a running ${forward} is told to ask again, then undoes it`, async (t) => {
    let began = (): void => undefined;
    const running = new Promise<void>((resolve) => {
      began = resolve;
    });
    let looks = 0;
    // A command looks at the clock for the third time in its transaction; it waits there for whoever holds the file.
    const now = (): number => {
      if (++looks === 3) began();
      return Date.now();
    };
    const { url, db } = await startService(t, name, { now });
    const beside = openDatabase(db);
    t.teardown(() => beside.destroy());
    const holder = await beside.transaction();
    await holder('effects').delete();
    const forwarded = send(url, handler, forward, { input: good });
    await running;
    const early = await send(url, handler, rollback, { input: good });
    t.deepEqual([early.status, early.headers['retry-after']], [425, '1']);
    await holder.commit();
    t.is((await forwarded).status, 200);
    t.is((await send(url, handler, rollback, { input: good })).status, 200);
    t.deepEqual(await ledger(db), [effect, undo]);
  });

  test(`B5 ${name}: ${rollback} of an op that the coordinator saw done, but nobody here knows, is not taken for empty`, async (t) => {
    const { url, db } = await startService(t, name);
    for (const _ of [1, 2]) {
      const answer = await send(url, handler, rollback, { input: good, forward: 'done' });
      t.deepEqual([answer.status, answer.code], [409, 'forward_missing']);
    }
    t.deepEqual(await rows(db, 'select * from inbox'), []);
  });

  test(`C4 ${name}: branches, transactions and origins do not meet`, async (t) => {
    const { url, db } = await startService(t, name);
    await send(url, handler, forward, { input: good });
    await send(url, handler, forward, { input: good, branch: 2 });
    await send(url, handler, forward, { input: good, xid: 'x2' });
    await send(url, handler, forward, { input: good, origin: 'origin-2' });
    await send(url, handler, rollback, { input: good, xid: 'x2' });
    t.deepEqual(await rows(db, 'select origin, xid, branch, op from effects order by id'), [
      { origin: 'origin-1', xid: 'x1', branch: 1, op: forward },
      { origin: 'origin-1', xid: 'x1', branch: 2, op: forward },
      { origin: 'origin-1', xid: 'x2', branch: 1, op: forward },
      { origin: 'origin-2', xid: 'x1', branch: 1, op: forward },
      { origin: 'origin-1', xid: 'x2', branch: 1, op: rollback },
    ]);
  });

  test(`B3 ${name}: a failure before the commit keeps nothing, and a repeat does it`, async (t) => {
    const { url, db } = await startService(t, name);
    await rows(db, `create trigger fails before update on inbox begin select raise(abort, 'no room'); end`);
    t.is((await send(url, handler, forward, { input: good })).status, 500);
    t.deepEqual(await rows(db, 'select * from inbox'), []);
    t.deepEqual(await ledger(db), []);
    await rows(db, 'drop trigger fails');
    t.is((await send(url, handler, forward, { input: good })).status, 200);
    t.deepEqual(await ledger(db), [effect]);
  });
}

const held = { sku: 'tea', quantity: 4 };
const tea = (db: string) => rows(db, `select on_hand, reserved, sold from skus where sku = 'tea'`);

test('D4 a repeated confirm sells once', async (t) => {
  const { url, db } = await startService(t, 'stock');
  await send(url, 'reserve', 'try', { input: held });
  const first = await send(url, 'reserve', 'confirm', { input: held, forward: 'done' });
  const second = await send(url, 'reserve', 'confirm', { input: held, forward: 'done' });
  t.deepEqual([first.status, second.status, second.body], [200, 200, first.body]);
  t.deepEqual(await ledger(db), ['stock.reserved x1 1', 'stock.sold x1 1']);
  t.deepEqual(await tea(db), [{ on_hand: 6, reserved: 0, sold: 4 }]);
});

test('D5 cancel after confirm, and confirm after cancel, are contradictions without an effect', async (t) => {
  const { url, db } = await startService(t, 'stock');
  for (const [xid, said, opposite] of [
    ['x1', 'confirm', 'cancel'],
    ['x2', 'cancel', 'confirm'],
  ] as const) {
    await send(url, 'reserve', 'try', { xid, input: held });
    t.is((await send(url, 'reserve', said, { xid, input: held, forward: 'done' })).status, 200);
    for (const _ of [1, 2]) {
      const answer = await send(url, 'reserve', opposite, { xid, input: held, forward: 'done' });
      t.deepEqual([answer.status, answer.code], [409, 'contradiction']);
    }
    t.is((await send(url, 'reserve', said, { xid, input: held, forward: 'done' })).status, 200);
  }
  t.deepEqual(await ledger(db), ['stock.reserved x1 1', 'stock.sold x1 1', 'stock.reserved x2 1', 'stock.freed x2 1']);
});

test('B5 confirm of what was never tried, or was refused, is forward_missing and keeps nothing', async (t) => {
  const { url, db } = await startService(t, 'stock');
  const never = await send(url, 'reserve', 'confirm', { input: held });
  t.deepEqual([never.status, never.code], [409, 'forward_missing']);
  await send(url, 'reserve', 'try', { xid: 'x2', input: { sku: 'tea', quantity: 11 } });
  t.is((await send(url, 'reserve', 'confirm', { xid: 'x2' })).code, 'forward_missing');
  t.deepEqual(await rows(db, 'select xid, phase from inbox'), [{ xid: 'x2', phase: 1 }]);
  t.is((await send(url, 'reserve', 'try', { input: held })).status, 200);
});

test('D3 of a try and a cancel sent at once, exactly one order of things happens', async (t) => {
  const { url, db } = await startService(t, 'stock');
  for (let i = 0; i < 20; i++) {
    const xid = `race-${i}`;
    const ops = i % 2 ? ['try', 'cancel'] : ['cancel', 'try'];
    const answers = await Promise.all(ops.map((op) => send(url, 'reserve', op, { xid, input: held })));
    const answerTo = (op: string) => answers[ops.indexOf(op)]!;
    if (answerTo('cancel').status === 425)
      t.is((await send(url, 'reserve', 'cancel', { xid, input: held })).status, 200);
    if (answerTo('try').status === 425)
      t.is((await send(url, 'reserve', 'try', { xid, input: held })).code, 'suppressed');
    const effects = await rows(db, `select effect from effects where xid = '${xid}' order by id`);
    t.true([0, 2].includes(effects.length), JSON.stringify(effects));
  }
  t.deepEqual(await tea(db), [{ on_hand: 10, reserved: 0, sold: 0 }]);
});

test('I6 a refused undo is refused again to its copies, and done by the next attempt', async (t) => {
  const db = openDatabase(path.join(await temporary(t), 'shop.db'));
  t.teardown(() => db.destroy());
  await db.raw(inboxTable);
  await db.raw('create table notes (note text)');
  const inbox = createInbox(db, () => 0);
  const command = { origin: 'o', xid: 'x1', branch: 1, input: null, forward: undefined, expiresAt: 1 } as const;
  let refuses = true;
  const undo = (attempt: number) =>
    inbox.receive({ ...command, op: 'cancel', attempt }, async (trx) => {
      await trx('notes').insert({ note: 'undone' });
      if (refuses) throw new Refused('held', 'not now');
      return null;
    });
  await inbox.receive({ ...command, op: 'try', attempt: 1 }, async () => null);
  t.is((await undo(1)).kind, 'refused');
  refuses = false;
  t.deepEqual(await undo(1), { kind: 'refused', code: 'held', reason: 'not now' });
  t.deepEqual(await db('notes').pluck('note'), []);
  for (const attempt of [2, 1]) t.is((await undo(attempt)).kind, 'done');
  t.deepEqual(await db('notes').pluck('note'), ['undone']);
});
