import path from 'node:path';
import test from 'ava';
import type { Json } from '../../sdk/protocol/json.js';
import { ledger, type Name, rows, send, startProcess, temporary } from './shop.js';

const cases: readonly { name: Name; handler: string; op: string; input: Json; effect: string }[] = [
  {
    name: 'order',
    handler: 'place',
    op: 'action',
    input: { customer: 'ann', lines: [{ sku: 'tea', quantity: 2, priceCents: 350 }] },
    effect: 'order.created x1 1',
  },
  {
    name: 'payment',
    handler: 'charge',
    op: 'action',
    input: { customer: 'ann', orderId: 1, amountCents: 700 },
    effect: 'payment.charged x1 1',
  },
  {
    name: 'stock',
    handler: 'reserve',
    op: 'try',
    input: { orderId: 1, lines: [{ sku: 'tea', quantity: 2 }] },
    effect: 'stock.reserved x1 1',
  },
];

for (const { name, handler, op, input, effect } of cases) {
  for (const [number, point, left] of [
    ['B1', 'fence-before-work', 0],
    ['B3', 'fence-before-commit', 0],
    ['B2', 'fence-after-commit', 1],
  ] as const) {
    test(`${number} ${name} killed at ${point}: a repeat to its successor makes one effect`, async (t) => {
      const db = path.join(await temporary(t), 'service.db');
      const first = await startProcess(t, name, db, { env: { CONCORDAT_FAILPOINT: point } });
      await t.throwsAsync(send(first.url, handler, op, { input }));
      t.is(await first.died, 'SIGKILL');
      t.is((await ledger(db)).length, left);
      const second = await startProcess(t, name, db);
      const answer = await send(second.url, handler, op, { input });
      t.is(answer.status, 200);
      t.deepEqual(await ledger(db), [effect]);
      t.deepEqual(await rows(db, 'select phase, outcome from concordat_fence'), [{ phase: 1, outcome: 'done' }]);
    });
  }
}

test('B2 stock killed after committing its second command, the confirm: a repeat finds it sold', async (t) => {
  const db = path.join(await temporary(t), 'stock.db');
  const input = { orderId: 1, lines: [{ sku: 'tea', quantity: 2 }] };
  const first = await startProcess(t, 'stock', db, { env: { CONCORDAT_FAILPOINT: 'fence-after-commit@2' } });
  t.is((await send(first.url, 'reserve', 'try', { input })).status, 200);
  await t.throwsAsync(send(first.url, 'reserve', 'confirm', { input, forward: 'done' }));
  t.is(await first.died, 'SIGKILL');
  const second = await startProcess(t, 'stock', db);
  t.is((await send(second.url, 'reserve', 'confirm', { input, forward: 'done' })).status, 200);
  t.deepEqual(await ledger(db), ['stock.reserved x1 1', 'stock.taken x1 1']);
  t.deepEqual(await rows(db, `select on_hand, reserved, sold from skus where sku = 'tea'`), [
    { on_hand: 8, reserved: 0, sold: 2 },
  ]);
});

test('A15 a service stops on SIGTERM with status 0 and leaves its answers behind', async (t) => {
  const db = path.join(await temporary(t), 'payment.db');
  const service = await startProcess(t, 'payment', db);
  await send(service.url, 'charge', 'action', { input: { customer: 'ann', orderId: 1, amountCents: 1 } });
  service.stop();
  t.is(await service.died, 0);
  t.deepEqual(await ledger(db), ['payment.charged x1 1']);
});

test('C1 I5 planted fence-inserts-nothing is seen: a repeat has a second effect', async (t) => {
  const db = path.join(await temporary(t), 'service.db');
  const { name, handler, op, input } = cases[1]!;
  const service = await startProcess(t, name, db, { env: { CONCORDAT_PLANTED: 'fence-inserts-nothing' } });
  for (const _ of [1, 2]) await send(service.url, handler, op, { input });
  t.deepEqual(await ledger(db), ['payment.charged x1 1', 'payment.charged x1 1']);
});
