import { type Branch, Participant, Refused, Saga, type Settle } from 'concordat';
import type { Knex } from 'knex';
import { recordEffect } from '../effects.js';
import { fields, priceCentsMax, quantityMax } from '../fields.js';

export interface Order {
  readonly customer: string;
  readonly lines: readonly OrderLine[];
}

export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly priceCents: number;
}

export interface Placed {
  readonly orderId: number;
  readonly totalCents: number;
}

export interface OrderId {
  readonly orderId: number;
}

/** The order service: `place` makes an order that is pending, `complete` confirms it. */
@Participant('order', { db: (service: OrderService) => service.db })
export class OrderService {
  readonly db: Knex;

  /** The database has the tables of `prepareOrder`. */
  constructor(db: Knex) {
    this.db = db;
  }

  @Saga({ compensate: 'cancel' })
  async place(input: Order, tx: Branch): Promise<Placed> {
    const { customer, lines } = readOrder(input);
    const totalCents = lines.reduce((sum, { quantity, priceCents }) => sum + quantity * priceCents, 0);
    const { origin, xid, branch } = tx;
    const row = { origin, xid, branch, customer, total_cents: totalCents, status: 'pending' };
    const [inserted] = await tx.db('orders').insert(row).returning<{ id: number }[]>('id');
    if (!inserted) throw new Error('expected the id of the new order');
    const orderId = inserted.id;
    await tx.db('order_lines').insert(
      lines.map(({ sku, quantity, priceCents }, line) => ({
        order_id: orderId,
        line,
        sku,
        quantity,
        price_cents: priceCents,
      })),
    );
    await recordEffect(tx, 'order.created', { orderId, customer, totalCents });
    return { orderId, totalCents };
  }

  /** Cancels the order in whatever state it is: what confirmed it is undone, or parked, before. */
  async cancel(_input: Order, tx: Settle<Placed>): Promise<void> {
    const { orderId } = tx.output;
    await move(tx.db, orderId, ['pending', 'confirmed'], 'cancelled');
    await recordEffect(tx, 'order.cancelled', { orderId });
  }

  @Saga({ compensate: 'reopen' })
  async complete(input: OrderId, tx: Branch): Promise<OrderId> {
    const orderId = fields(input).count('orderId', Number.MAX_SAFE_INTEGER);
    const order = await tx.db('orders').where({ id: orderId }).first<{ status: string } | undefined>('status');
    if (!order) throw new Refused(`unknown order: ${orderId}`, { code: 'unknown_order' });
    if (order.status !== 'pending')
      throw new Refused(`order ${order.status}: ${orderId}`, { code: `order_${order.status}` });
    await move(tx.db, orderId, ['pending'], 'confirmed');
    await recordEffect(tx, 'order.completed', { orderId });
    return { orderId };
  }

  /** Makes the order pending again; one that was cancelled meanwhile stays cancelled. */
  async reopen(_input: OrderId, tx: Settle<OrderId>): Promise<void> {
    const { orderId } = tx.output;
    await tx.db('orders').where({ id: orderId, status: 'confirmed' }).update({ status: 'pending' });
    await recordEffect(tx, 'order.reopened', { orderId });
  }
}

function readOrder(input: Order): Order {
  const order = fields(input);
  const customer = order.text('customer');
  const lines = order.list('lines', (line) => ({
    sku: line.text('sku'),
    quantity: line.count('quantity', quantityMax),
    priceCents: line.count('priceCents', priceCentsMax),
  }));
  return { customer, lines };
}

async function move(trx: Knex, id: number, from: readonly string[], to: string): Promise<void> {
  const count = await trx('orders').where({ id }).whereIn('status', from).update({ status: to });
  if (count !== 1) throw new Error(`expected order ${id} to be ${from.join(' or ')}`);
}
