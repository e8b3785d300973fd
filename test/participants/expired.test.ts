/** D7: a reservation that ran out at its service before it could be confirmed (decision 0007). */
import path from 'node:path';
import test from 'ava';
import type { Knex } from 'knex';
import { embed } from '../../coordinator/index.js';
import { audit } from '../../participants/audit/audit.js';
import { openDatabase } from '../../participants/database.js';
import type { OrderService } from '../../participants/order/order.js';
import type { PaymentService } from '../../participants/payment/payment.js';
import { type Reserved, StockService, type Wanted } from '../../participants/stock/stock.js';
import { Refused, type Settle } from '../../sdk/index.js';
import { ledger, opens, temporary } from './shop.js';

/** Stock whose reservations run out: what it no longer holds it says it cannot sell. */
class ExpiringStock extends StockService {
  override async take(input: Wanted, tx: Settle<Reserved>): Promise<void> {
    const held = await tx.db('reservations').where({ id: tx.output.reservationId, status: 'reserved' }).first();
    if (!held) throw new Refused(`reservation ${tx.output.reservationId} ran out`, { code: 'expired' });
    await super.take(input, tx);
  }
}

/** What the service's own job does with reservations that nobody confirmed in time, and a person who takes that back. */
const move = (db: Knex, from: 'reserved' | 'freed', to: 'reserved' | 'freed') =>
  db.transaction(async (trx) => {
    await trx('reservations').where({ status: from }).update({ status: to });
    const step = to === 'freed' ? 1 : -1;
    await trx('skus')
      .where({ sku: 'tea' })
      .update({ on_hand: trx.raw('on_hand + ?', [step]), reserved: trx.raw('reserved - ?', [step]) });
  });

test('D7 a confirm that is refused for good parks its branch, the others are kept, and a person ends it', async (t) => {
  const directory = await temporary(t);
  const fileOf = (name: string): string => path.join(directory, `${name}.db`);
  const dbs = { order: fileOf('order'), payment: fileOf('payment'), stock: fileOf('stock') };
  const open = (file: string): Knex => {
    const db = openDatabase(file);
    t.teardown(() => db.destroy());
    return db;
  };
  const stockDb = open(dbs.stock);
  await opens.stock(stockDb, undefined);
  const others = [await opens.order(open(dbs.order), undefined), await opens.payment(open(dbs.payment), undefined)];
  const participants = [...others, new ExpiringStock(stockDb)];
  const client = await embed({ store: `sqlite:${fileOf('coordinator')}`, participants, log: 'error' });
  t.teardown(() => client.close());
  const { place } = client.remote<OrderService>('order');
  const { reserve } = client.remote<StockService>('stock');
  const { charge } = client.remote<PaymentService>('payment');

  const xid = await client.run('checkout', async (transaction) => {
    const lines = [{ sku: 'tea', quantity: 1, priceCents: 350 }];
    const { orderId } = await place({ customer: 'ann', lines });
    await reserve({ orderId, lines: [{ sku: 'tea', quantity: 1 }] });
    await charge({ customer: 'ann', orderId, amountCents: 350 });
    await move(stockDb, 'reserved', 'freed');
    return transaction.xid;
  });
  const stuck = await client.wait(xid);
  t.like(stuck, { status: 'parked', decision: 'commit' });
  const parked = stuck.branches.filter(({ status }) => status === 'parked');
  t.deepEqual(
    parked.map(({ participant, lastError }) => [participant, lastError?.includes('ran out')]),
    [['stock', true]],
  );
  const effects = async () =>
    (await Promise.all(Object.values(dbs).map(ledger))).flat().map((line) => line.split(' ')[0]);
  t.deepEqual(await effects(), ['order.created', 'payment.charged', 'stock.reserved']);

  await move(stockDb, 'freed', 'reserved');
  await client.retry(xid);
  const ended = await client.wait(xid);
  t.is(ended.status, 'committed');
  t.deepEqual(await effects(), ['order.created', 'payment.charged', 'stock.reserved', 'stock.taken']);
  t.deepEqual(
    (await audit(dbs, [ended])).flatMap(({ violations }) => violations),
    [],
  );
});
