import test from 'ava';
import type { Json } from '../../sdk/protocol/json.js';
import { ledger, type Name, rows, send, startService } from './shop.js';

const line = { sku: 'tea', quantity: 2, priceCents: 350 };

test('an order has its lines and their total, and is cancelled by its undo', async (t) => {
  const { url, db } = await startService(t, 'order');
  const lines = [line, { sku: 'cup', quantity: 1, priceCents: 1200 }];
  const placed = await send(url, 'place', 'action', { input: { customer: 'ann', lines } });
  t.deepEqual(placed.body, { orderId: 1, totalCents: 1900 });
  t.deepEqual(await rows(db, 'select customer, total_cents, status from orders'), [
    { customer: 'ann', total_cents: 1900, status: 'pending' },
  ]);
  t.is((await rows(db, 'select * from order_lines where order_id = 1')).length, 2);
  await send(url, 'place', 'compensate', { forward: 'done' });
  t.deepEqual(await rows(db, 'select status from orders'), [{ status: 'cancelled' }]);
});

test('an order is confirmed once, and pending again when that is undone', async (t) => {
  const { url, db } = await startService(t, 'order');
  await send(url, 'place', 'action', { input: { customer: 'ann', lines: [line] } });
  const complete = (branch: number) => send(url, 'complete', 'action', { branch, input: { orderId: 1 } });
  t.is((await complete(2)).status, 200);
  t.is((await complete(3)).code, 'order_confirmed');
  t.deepEqual(await rows(db, 'select status from orders'), [{ status: 'confirmed' }]);
  await send(url, 'complete', 'compensate', { branch: 2, forward: 'done' });
  t.deepEqual(await rows(db, 'select status from orders'), [{ status: 'pending' }]);
  await send(url, 'place', 'compensate', { forward: 'done' });
  t.is((await complete(4)).code, 'order_cancelled');
  t.is((await send(url, 'complete', 'action', { branch: 5, input: { orderId: 9 } })).code, 'unknown_order');
  t.deepEqual(await ledger(db), [
    'order.created x1 1',
    'order.completed x1 2',
    'order.reopened x1 2',
    'order.cancelled x1 1',
  ]);
});

test('a charge takes the amount from the account, and its undo gives it back', async (t) => {
  const { url, db } = await startService(t, 'payment');
  const balance = () => rows(db, `select balance_cents as cents from accounts where customer = 'ann'`);
  await send(url, 'charge', 'action', { input: { customer: 'ann', orderId: 1, amountCents: 10_000 } });
  t.deepEqual(await balance(), [{ cents: 0 }]);
  await send(url, 'charge', 'compensate', { forward: 'done' });
  t.deepEqual(await balance(), [{ cents: 10_000 }]);
  t.deepEqual(await rows(db, 'select status from payments'), [{ status: 'refunded' }]);
});

const refusals: readonly { name: Name; handler: string; op: string; input: Json; code: string; says: RegExp }[] = [
  {
    name: 'payment',
    handler: 'charge',
    op: 'action',
    input: { customer: 'bob', orderId: 1, amountCents: 101 },
    code: 'insufficient_funds',
    says: /101 cents asked, 100 there/,
  },
  {
    name: 'payment',
    handler: 'charge',
    op: 'action',
    input: { customer: 'cleo', orderId: 1, amountCents: 1 },
    code: 'account_closed',
    says: /cleo/,
  },
  {
    name: 'payment',
    handler: 'charge',
    op: 'action',
    input: { customer: 'dan', orderId: 1, amountCents: 1 },
    code: 'unknown_customer',
    says: /dan/,
  },
  {
    name: 'payment',
    handler: 'charge',
    op: 'action',
    input: { customer: 'ann', orderId: 1, amountCents: 1.5 },
    code: 'invalid_input',
    says: /input\.amountCents: .*got 1\.5/,
  },
  {
    name: 'payment',
    handler: 'charge',
    op: 'action',
    input: { customer: 'ann', orderId: 1, amountCents: -5 },
    code: 'invalid_input',
    says: /input\.amountCents/,
  },
  {
    name: 'payment',
    handler: 'charge',
    op: 'action',
    input: null,
    code: 'invalid_input',
    says: /input: expected an object, got null/,
  },
  {
    name: 'stock',
    handler: 'reserve',
    op: 'try',
    input: { orderId: 1, lines: [{ sku: 'kettle', quantity: 1 }] },
    code: 'sold_out',
    says: /1 of kettle asked, 0 there/,
  },
  {
    name: 'stock',
    handler: 'reserve',
    op: 'try',
    input: { orderId: 1, lines: [{ sku: 'hat', quantity: 1 }] },
    code: 'unknown_sku',
    says: /hat/,
  },
  {
    name: 'stock',
    handler: 'reserve',
    op: 'try',
    input: {
      orderId: 1,
      lines: [
        { sku: 'tea', quantity: 1 },
        { sku: 'cup', quantity: 9 },
      ],
    },
    code: 'sold_out',
    says: /9 of cup/,
  },
  {
    name: 'stock',
    handler: 'reserve',
    op: 'try',
    input: {
      orderId: 1,
      lines: [
        { sku: 'tea', quantity: 1 },
        { sku: 'tea', quantity: '2' },
      ],
    },
    code: 'invalid_input',
    says: /input\.lines\[1\]\.quantity: .*got "2"/,
  },
  {
    name: 'order',
    handler: 'place',
    op: 'action',
    input: { customer: 'ann', lines: [] },
    code: 'invalid_input',
    says: /input\.lines/,
  },
  {
    name: 'order',
    handler: 'place',
    op: 'action',
    input: { customer: '', lines: [line] },
    code: 'invalid_input',
    says: /input\.customer/,
  },
  {
    name: 'order',
    handler: 'place',
    op: 'action',
    input: { customer: 'ann', lines: [{ sku: 'tea', quantity: 1, priceCents: 0 }] },
    code: 'invalid_input',
    says: /input\.lines\[0\]\.priceCents/,
  },
];

for (const { name, handler, op, input, code, says } of refusals) {
  test(`${name} refuses ${JSON.stringify(input)} with ${code} and changes nothing`, async (t) => {
    const { url, db } = await startService(t, name);
    const answer = await send(url, handler, op, { input });
    t.deepEqual([answer.status, answer.code], [409, code]);
    t.regex(String(answer.body?.detail), says);
    t.deepEqual(await ledger(db), []);
    if (name === 'payment')
      t.deepEqual(await rows(db, 'select * from accounts where balance_cents <> opening_cents'), []);
    if (name === 'stock') t.deepEqual(await rows(db, 'select * from skus where on_hand <> received'), []);
    if (name === 'order') t.deepEqual(await rows(db, 'select * from orders'), []);
  });
}

test('first rows are written once: a restart gives nobody new money', async (t) => {
  const { url, db } = await startService(t, 'payment');
  await send(url, 'charge', 'action', { input: { customer: 'ann', orderId: 1, amountCents: 4000 } });
  await startService(t, 'payment', { db });
  t.deepEqual(await rows(db, `select opening_cents, balance_cents from accounts where customer = 'ann'`), [
    { opening_cents: 10_000, balance_cents: 6000 },
  ]);
});
