/** The audit itself: each invariant is broken by hand in the databases, and is seen to be. */
import test, { type ExecutionContext } from 'ava';
import { openDatabase } from '../../participants/database.js';
import type { ServiceName } from './services.js';
import { type Shop, startShop } from './shop.js';

/** A change to a database and what takes it back. */
interface Tampering {
  readonly breaks: string;
  readonly where: ServiceName | 'coordinator';
  readonly how: string;
  readonly back: string;
}

const tamperings: Readonly<Record<string, Tampering>> = {
  'a confirm of a committed order that is not in the ledger': {
    breaks: 'I1',
    where: 'stock',
    how: "update effects set effect = 'stock.freed' where effect = 'stock.taken'",
    back: "update effects set effect = 'stock.taken' where effect = 'stock.freed'",
  },
  'an effect that is there twice': {
    breaks: 'I5',
    where: 'payment',
    how: 'insert into effects (origin, xid, branch, op, effect, details, at) select origin, xid, branch, op, effect, details, at from effects where id = 1',
    back: 'delete from effects where id = (select max(id) from effects)',
  },
  'an effect after the end': {
    breaks: 'I6',
    where: 'stock',
    how: "update effects set at = at + 60000 where effect = 'stock.taken'",
    back: "update effects set at = at - 60000 where effect = 'stock.taken'",
  },
  'an undo before its do': {
    breaks: 'I7',
    where: 'payment',
    how: "update effects set id = -1 where effect = 'payment.refunded'",
    back: 'update effects set id = 3 where id = -1',
  },
  'an undo before that of what came after it': {
    breaks: 'I8',
    where: 'payment',
    how: "update effects set at = at + 60000 where effect = 'payment.refunded'",
    back: "update effects set at = at - 60000 where effect = 'payment.refunded'",
  },
  'money out of nowhere': {
    breaks: 'I9',
    where: 'payment',
    how: "update accounts set balance_cents = balance_cents + 1 where customer = 'ann'",
    back: "update accounts set balance_cents = balance_cents - 1 where customer = 'ann'",
  },
  'a summary that hides a transaction from recovery': {
    breaks: 'I4',
    where: 'coordinator',
    how: "update transactions set status = 'active' where status = 'committed'",
    back: "update transactions set status = 'committed' where status = 'active'",
  },
  'a gap in a log': {
    breaks: 'I11',
    where: 'coordinator',
    how: 'update log set seq = seq + 100 where seq > 2',
    back: 'update log set seq = seq - 100 where seq > 100',
  },
  'an order that is not finished': {
    breaks: 'I10',
    where: 'coordinator',
    how: `update log set events = replace(events, '"type":"ended"', '"type":"retried"') where events like '%"ended"%'`,
    back: `update log set events = replace(events, '"type":"retried"', '"type":"ended"') where events like '%"retried"%'`,
  },
};

async function change(shop: Shop, { where }: Tampering, sql: string): Promise<void> {
  const db = openDatabase(where === 'coordinator' ? shop.coordinator.db : shop.services[where].db);
  try {
    await db.raw(sql);
  } finally {
    await db.destroy();
  }
}

async function finished(t: ExecutionContext): Promise<Shop> {
  const shop = await startShop(t);
  for (const kind of ['good', 'sold out'] as const) await shop.settled([await shop.order(kind)]);
  return shop;
}

test('the audit sees every invariant that is broken in a database, and nothing when none is', async (t) => {
  const shop = await finished(t);
  t.deepEqual(await shop.audit(), []);
  for (const [what, tampering] of Object.entries(tamperings)) {
    await change(shop, tampering, tampering.how);
    const seen = await shop.audit();
    t.true(
      seen.some((violation) => violation.startsWith(`${tampering.breaks} `)),
      `${what}: ${seen.join('; ')}`,
    );
    await change(shop, tampering, tampering.back);
    t.deepEqual(await shop.audit(), [], `${what}, taken back`);
  }
});

test('the audit sees that something acknowledged is not there, or is otherwise', async (t) => {
  const shop = await finished(t);
  const { acknowledged } = shop.customer;
  acknowledged.opened.add('never');
  acknowledged.decided.set('good-1', 'rollback');
  acknowledged.branches.set('good-1 payment', 'refused');
  t.deepEqual(await shop.auditNow(), [
    'I3 never: acknowledged, and not there',
    'I3 good-1: branch payment was acknowledged as refused, and is done',
    'I2 good-1: rollback was acknowledged, commit is in the log',
  ]);
});
