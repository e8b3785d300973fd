/** What the SDK's fence gives the services: whatever comes twice, late, early or for nothing, over HTTP and on real files. */
import test from 'ava';
import { openDatabase } from '../../participants/database.js';
import type { Json } from '../../sdk/protocol/json.js';
import { holdAfterWork, ledger, type Name, rows, send, startService } from './shop.js';

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

const tea = [{ sku: 'tea', quantity: 2, priceCents: 350 }];
const cases: readonly Case[] = [
  {
    name: 'order',
    handler: 'place',
    forward: 'action',
    rollback: 'compensate',
    good: { customer: 'ann', lines: tea },
    bad: { customer: 'ann', lines: [] },
    effect: 'order.created x1 1',
    undo: 'order.cancelled x1 1',
  },
  {
    name: 'payment',
    handler: 'charge',
    forward: 'action',
    rollback: 'compensate',
    good: { customer: 'ann', orderId: 1, amountCents: 700 },
    bad: { customer: 'bob', orderId: 1, amountCents: 700 },
    effect: 'payment.charged x1 1',
    undo: 'payment.refunded x1 1',
  },
  {
    name: 'stock',
    handler: 'reserve',
    forward: 'try',
    rollback: 'cancel',
    good: { orderId: 1, lines: tea },
    bad: { orderId: 1, lines: [{ sku: 'kettle', quantity: 1 }] },
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
    t.regex(String(first.headers['content-type']), /^application\/problem\+json/);
    const second = await send(url, handler, forward, { input: good });
    t.deepEqual([second.status, second.body], [409, first.body]);
    t.deepEqual(await ledger(db), []);
    t.deepEqual(await rows(db, `select phase, outcome, result ->> 'code' as code from concordat_fence`), [
      { phase: 1, outcome: 'refused', code: first.code! },
    ]);
  });

  test(`D1 ${name}: ${rollback} without a forward op is recorded and does nothing`, async (t) => {
    const { url, db } = await startService(t, name);
    for (const _ of [1, 2]) t.is((await send(url, handler, rollback, { input: good })).status, 200);
    t.deepEqual(await ledger(db), []);
    t.deepEqual(await rows(db, 'select phase, op, outcome from concordat_fence order by phase'), [
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
    const { url, db, service } = await startService(t, name);
    const held = holdAfterWork(service, handler);
    const running = send(url, handler, forward, { input: good });
    await held.arrived;
    const early = await send(url, handler, rollback, { input: good });
    t.is(early.status, 425);
    t.truthy(early.headers['retry-after']);
    held.release();
    t.is((await running).status, 200);
    t.is((await send(url, handler, rollback, { input: good })).status, 200);
    t.deepEqual(await ledger(db), [effect, undo]);
  });

  test(`B5 ${name}: ${rollback} of an op that the coordinator saw done, but nobody here knows, is not taken for empty`, async (t) => {
    const { url, db } = await startService(t, name);
    for (const _ of [1, 2]) {
      const answer = await send(url, handler, rollback, { input: good, forward: 'done' });
      t.deepEqual([answer.status, answer.code], [409, 'forward_missing']);
    }
    t.deepEqual(await rows(db, 'select * from concordat_fence'), []);
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
    const beside = openDatabase(db);
    t.teardown(() => beside.destroy());
    await beside.raw(`create trigger fails before insert on effects begin select raise(abort, 'no room'); end`);
    t.is((await send(url, handler, forward, { input: good })).status, 500);
    t.deepEqual(await rows(db, 'select * from concordat_fence'), []);
    await beside.raw('drop trigger fails');
    t.is((await send(url, handler, forward, { input: good })).status, 200);
    t.deepEqual(await ledger(db), [effect]);
  });
}

const held = { orderId: 1, lines: [{ sku: 'tea', quantity: 4 }] };

test('D4 a repeated confirm sells once', async (t) => {
  const { url, db } = await startService(t, 'stock');
  await send(url, 'reserve', 'try', { input: held });
  const first = await send(url, 'reserve', 'confirm', { input: held, forward: 'done' });
  const second = await send(url, 'reserve', 'confirm', { input: held, forward: 'done' });
  t.deepEqual([first.status, second.status, second.body], [200, 200, first.body]);
  t.deepEqual(await ledger(db), ['stock.reserved x1 1', 'stock.taken x1 1']);
  t.deepEqual(await rows(db, `select on_hand, reserved, sold from skus where sku = 'tea'`), [
    { on_hand: 6, reserved: 0, sold: 4 },
  ]);
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
  t.deepEqual(await ledger(db), ['stock.reserved x1 1', 'stock.taken x1 1', 'stock.reserved x2 1', 'stock.freed x2 1']);
});

test('B5 confirm of what was never tried, or was refused, is forward_missing and keeps nothing', async (t) => {
  const { url, db } = await startService(t, 'stock');
  const never = await send(url, 'reserve', 'confirm', { input: held });
  t.deepEqual([never.status, never.code], [409, 'forward_missing']);
  await send(url, 'reserve', 'try', { xid: 'x2', input: { orderId: 1, lines: [{ sku: 'cup', quantity: 9 }] } });
  t.is((await send(url, 'reserve', 'confirm', { xid: 'x2' })).code, 'forward_missing');
  t.deepEqual(await rows(db, 'select xid, phase from concordat_fence'), [{ xid: 'x2', phase: 1 }]);
  t.is((await send(url, 'reserve', 'try', { input: held })).status, 200);
});

test('D3 of a try and a cancel sent at once, exactly one order of things happens', async (t) => {
  const { url, db } = await startService(t, 'stock');
  for (let i = 0; i < 20; i++) {
    const xid = `race-${i}`;
    const commands = [
      send(url, 'reserve', 'try', { xid, input: held }),
      send(url, 'reserve', 'cancel', { xid, input: held }),
    ];
    const [tried, cancelled] = await Promise.all(i % 2 ? commands : commands.reverse()).then((both) =>
      i % 2 ? both : both.reverse(),
    );
    if (cancelled!.status === 425) t.is((await send(url, 'reserve', 'cancel', { xid, input: held })).status, 200);
    if (tried!.status === 425) t.is((await send(url, 'reserve', 'try', { xid, input: held })).code, 'suppressed');
    const effects = await rows(db, `select effect from effects where xid = '${xid}' order by id`);
    t.true([0, 2].includes(effects.length), JSON.stringify(effects));
  }
  t.deepEqual(await rows(db, `select on_hand, reserved, sold from skus where sku = 'tea'`), [
    { on_hand: 10, reserved: 0, sold: 0 },
  ]);
});
