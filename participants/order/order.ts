import type { Knex } from 'knex';
import { Refused } from '../answers.js';
import type { Work } from '../definition.js';
import { fields, priceCentsMax, quantityMax } from '../fields.js';
import { type Service, type ServiceOptions, startService } from '../service.js';
import { orderTables } from './tables.js';

/** The order service: `place` makes an order that is pending, `complete` confirms it. */
export const startOrder = (options: ServiceOptions): Promise<Service> =>
  startService({ name: 'order', tables: orderTables, seed: async () => undefined, handlers }, options);

const place: Work = async ({ trx, branch: { origin, xid, branch }, input }) => {
  const order = fields(input);
  const customer = order.text('customer');
  const lines = order.list('lines', (line) => ({
    sku: line.text('sku'),
    quantity: line.count('quantity', quantityMax),
    price_cents: line.count('priceCents', priceCentsMax),
  }));
  const totalCents = lines.reduce((sum, line) => sum + line.quantity * line.price_cents, 0);
  const row = { origin, xid, branch, customer, total_cents: totalCents, status: 'pending' };
  const [inserted] = await trx('orders').insert(row).returning<{ id: number }[]>('id');
  if (!inserted) throw new Error('expected the id of the new order');
  const orderId = inserted.id;
  for (const [line, item] of lines.entries()) await trx('order_lines').insert({ order_id: orderId, line, ...item });
  return {
    output: { orderId, totalCents },
    effect: { effect: 'order.created', details: { orderId, customer, totalCents } },
  };
};

/** Cancels the order in whatever state it is: what confirmed it is undone, or parked, before. */
const cancel: Work = async ({ trx, output }) => {
  const orderId = orderIdIn(output, 'output');
  await move(trx, orderId, ['pending', 'confirmed'], 'cancelled');
  return { output: { orderId }, effect: { effect: 'order.cancelled', details: { orderId } } };
};

const complete: Work = async ({ trx, input }) => {
  const orderId = orderIdIn(input);
  const order = await trx('orders').where({ id: orderId }).first<{ status: string } | undefined>('status');
  if (!order) throw new Refused('unknown_order', `unknown order: ${orderId}`);
  if (order.status !== 'pending') throw new Refused(`order_${order.status}`, `order ${order.status}: ${orderId}`);
  await move(trx, orderId, ['pending'], 'confirmed');
  return { output: { orderId }, effect: { effect: 'order.completed', details: { orderId } } };
};

/** Makes the order pending again; one that was cancelled meanwhile stays cancelled. */
const reopen: Work = async ({ trx, output }) => {
  const orderId = orderIdIn(output, 'output');
  await trx('orders').where({ id: orderId, status: 'confirmed' }).update({ status: 'pending' });
  return { output: { orderId }, effect: { effect: 'order.reopened', details: { orderId } } };
};

const handlers = {
  place: { kind: 'saga', ops: { action: place, compensate: cancel } },
  complete: { kind: 'saga', ops: { action: complete, compensate: reopen } },
} as const;

const orderIdIn = (value: Parameters<typeof fields>[0], at?: string): number =>
  fields(value, at).count('orderId', Number.MAX_SAFE_INTEGER);

async function move(trx: Knex, id: number, from: readonly string[], to: string): Promise<void> {
  const count = await trx('orders').where({ id }).whereIn('status', from).update({ status: to });
  if (count !== 1) throw new Error(`expected order ${id} to be ${from.join(' or ')}`);
}
