import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { audit, type Databases, type Told } from '../../participants/audit/audit.js';
import { openDatabase } from '../../participants/database.js';
import { send, startProvider, startService, temporary } from './shop.js';

/**
 * Orders told by hand, as a coordinator would: one committed, one rolled back, one refused at once; one committed and one
 * rolled back that a provider was paid for.
 */
async function fiveOrders(t: ExecutionContext): Promise<{ databases: Required<Databases>; told: readonly Told[] }> {
  const provider = await startProvider(t);
  const [order, payment, stock] = [
    await startService(t, 'order'),
    await startService(t, 'payment', { provider: provider.url }),
    await startService(t, 'stock'),
  ];
  const lines = [{ sku: 'tea', quantity: 1, priceCents: 350 }];
  const done = 'done';
  for (const xid of ['x1', 'x2']) {
    await send(order.url, 'place', 'action', { xid, input: { customer: 'ann', lines } });
    await send(payment.url, 'charge', 'action', {
      xid,
      branch: 2,
      input: { customer: 'ann', orderId: 1, amountCents: 350 },
    });
    await send(stock.url, 'reserve', 'try', { xid, branch: 3, input: { orderId: 1, lines } });
  }
  await send(stock.url, 'reserve', 'confirm', { xid: 'x1', branch: 3, forward: done });
  await send(stock.url, 'reserve', 'cancel', { xid: 'x2', branch: 3, forward: done });
  await send(payment.url, 'charge', 'compensate', { xid: 'x2', branch: 2, forward: done });
  await send(order.url, 'place', 'compensate', { xid: 'x2', forward: done });
  await send(payment.url, 'charge', 'action', { xid: 'x3', input: { customer: 'cleo', orderId: 3, amountCents: 1 } });
  const transfer = { customer: 'ann', orderId: 3, amountCents: 350 };
  await send(order.url, 'place', 'action', { xid: 'x4', input: { customer: 'ann', lines } });
  await send(payment.url, 'transfer', 'action', { xid: 'x4', branch: 2, input: transfer });
  await send(stock.url, 'reserve', 'try', { xid: 'x4', branch: 3, input: { orderId: 3, lines } });
  await send(stock.url, 'reserve', 'confirm', { xid: 'x4', branch: 3, forward: done });
  await send(payment.url, 'transfer', 'action', { xid: 'x5', input: transfer });
  await send(payment.url, 'transfer', 'compensate', { xid: 'x5', input: transfer, forward: done });
  const told: Told[] = [
    { xid: 'x1', status: 'committed' },
    { xid: 'x2', status: 'rolled_back' },
    { xid: 'x3', status: 'rolled_back' },
    { xid: 'x4', status: 'committed' },
    { xid: 'x5', status: 'rolled_back' },
  ];
  const databases = { order: order.db, payment: payment.db, stock: stock.db, provider: provider.db };
  return { databases, told };
}

/** The invariants that do not hold, by their numbers. */
const broken = async (databases: Databases, told: readonly Told[]): Promise<string[]> =>
  (await audit(databases, told))
    .filter(({ violations }) => violations.length > 0)
    .map(({ invariant }) => invariant.split(' ')[0]!);

test('I1 I5 I7 I9 an honest shop has no violation, and something was checked of each', async (t) => {
  const { databases, told } = await fiveOrders(t);
  const findings = await audit(databases, told);
  t.deepEqual(
    findings.flatMap(({ violations }) => violations),
    [],
  );
  t.deepEqual(
    findings.map(({ invariant }) => invariant),
    ['I1 atomic', 'I5 once', 'I7 paired', 'I9 conserved'],
  );
  t.true(findings.every(({ checked }) => checked > 0));
});

const copyOf = 'origin, xid, branch, op, effect, details, at';
const tampered: readonly [string, keyof Databases, string, readonly string[]][] = [
  ['the effect of a committed charge is lost', 'payment', `delete from effects where xid = 'x1'`, ['I1', 'I5', 'I9']],
  ['a refund is lost', 'payment', `delete from effects where effect = 'payment.refunded'`, ['I1', 'I5', 'I9']],
  [
    'a charge is there twice',
    'payment',
    `insert into effects (${copyOf}) select ${copyOf} from effects where xid = 'x1'`,
    ['I1', 'I5'],
  ],
  [
    'a reservation is both sold and freed',
    'stock',
    `insert into effects (${copyOf}) select origin, xid, branch, 'cancel', 'stock.freed', details, at from effects where effect = 'stock.taken'`,
    ['I1', 'I5', 'I7', 'I9'],
  ],
  ['an undo is written before its do', 'order', `update effects set id = -1 where effect = 'order.cancelled'`, ['I7']],
  [
    'an empty undo has an effect',
    'payment',
    `update concordat_fence set outcome = 'empty' where phase = 1 and xid = 'x2'`,
    ['I5', 'I7'],
  ],
  ['an effect belongs to nobody', 'order', `update effects set xid = 'x9' where xid = 'x1'`, ['I1', 'I5']],
  ['a cent appears', 'payment', `update accounts set balance_cents = balance_cents + 1 where customer = 'bob'`, ['I9']],
  ['a payment is captured that nobody made', 'payment', `update payments set status = 'captured'`, ['I9']],
  ['goods vanish', 'stock', `update skus set on_hand = on_hand - 1 where sku = 'tea'`, ['I9']],
  [
    'goods stay reserved',
    'stock',
    `update skus set on_hand = on_hand - 1, reserved = reserved + 1 where sku = 'tea'`,
    ['I9'],
  ],
  [
    'the provider charged twice',
    'provider',
    `insert into movements (charge_id, what, amount_cents, at) select charge_id, what, amount_cents, at from movements where id = 1`,
    ['I1', 'I5'],
  ],
  ['the provider gave nothing back', 'provider', `delete from movements where what = 'returned'`, ['I1', 'I5', 'I9']],
  [
    'the provider keeps a cent',
    'provider',
    `update accounts set balance_cents = balance_cents - 1 where customer = 'ann'`,
    ['I9'],
  ],
  [
    'the provider charged for nobody',
    'provider',
    `update charges set metadata = json_set(metadata, '$.xid', 'x9') where id = 1`,
    ['I1', 'I5'],
  ],
  ['an order was cancelled by nobody', 'order', `update orders set status = 'cancelled'`, ['I9']],
];

for (const [what, name, sql, expected] of tampered) {
  test(`${expected.join(' ')} the audit sees that ${what}`, async (t) => {
    const { databases, told } = await fiveOrders(t);
    const db = openDatabase(databases[name]);
    t.teardown(() => db.destroy());
    await db.raw(sql);
    t.deepEqual(await broken(databases, told), expected);
  });
}

test('I1 the audit sees that a transaction ended otherwise than its effects', async (t) => {
  const { databases } = await fiveOrders(t);
  t.deepEqual(
    await broken(databases, [
      { xid: 'x1', status: 'rolled_back' },
      { xid: 'x2', status: 'committed' },
      { xid: 'x3', status: 'committed' },
      { xid: 'x4', status: 'rolled_back' },
      { xid: 'x5', status: 'committed' },
    ]),
    ['I1'],
  );
});

test('the audit judges no transaction that is parked, resolved or not final', async (t) => {
  const { databases } = await fiveOrders(t);
  const [atomic] = await audit(databases, [
    { xid: 'x1', status: 'parked' },
    { xid: 'x2', status: 'resolved' },
    { xid: 'x3', status: 'active' },
    { xid: 'x4', status: 'parked' },
    { xid: 'x5', status: 'parked' },
  ]);
  t.deepEqual(atomic, { invariant: 'I1 atomic', checked: 0, violations: [] });
});

test('the audit reads a copy of a database whose service is gone, and refuses one that is not there', async (t) => {
  const { databases, told } = await fiveOrders(t);
  const copy = path.join(await temporary(t), 'copy.db');
  const db = openDatabase(databases.payment);
  await db.raw('PRAGMA wal_checkpoint(TRUNCATE)');
  await db.destroy();
  await copyFile(databases.payment, copy);
  t.deepEqual(await broken({ ...databases, payment: copy }, told), []);
  await t.throwsAsync(broken({ ...databases, payment: `${copy}.not` }, told), { message: /SQLITE_CANTOPEN/ });
});
