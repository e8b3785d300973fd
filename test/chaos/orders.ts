import type { Json } from '../../sdk/protocol/json.js';
import type { Customer } from './customer.js';
import type { Service, ServiceName } from './services.js';

/** Kinds of orders, each with how it must end and what it must leave in the ledgers, in alphabetical order. */
export const orderKinds = {
  /** Saga and TCC steps, one after the other and side by side. */
  good: {
    ends: 'committed',
    effects: ['order.completed', 'order.created', 'payment.charged', 'stock.reserved', 'stock.taken'],
  },
  /** The customer has no money; the goods are held by then. */
  refused: { ends: 'rolled_back', effects: ['order.cancelled', 'order.created', 'stock.freed', 'stock.reserved'] },
  /** The goods are not there; the money is taken by then. */
  'sold out': {
    ends: 'rolled_back',
    effects: ['order.cancelled', 'order.created', 'payment.charged', 'payment.refunded'],
  },
  /** The client adds branch by branch and commits. */
  initiated: {
    ends: 'committed',
    effects: ['order.created', 'payment.charged', 'stock.reserved', 'stock.taken'],
  },
  /** The client adds branch by branch, is refused, and rolls back. */
  'initiated, refused': {
    ends: 'rolled_back',
    effects: ['order.cancelled', 'order.created', 'stock.freed', 'stock.reserved'],
  },
  /** The provider takes the money, with nothing but a key to tell a repeat by. */
  transferred: {
    ends: 'committed',
    effects: ['order.completed', 'order.created', 'payment.transferred', 'stock.reserved', 'stock.taken'],
  },
  /** The goods are not there; the provider has the money by then. */
  'transferred, sold out': {
    ends: 'rolled_back',
    effects: ['order.cancelled', 'order.created', 'payment.returned', 'payment.transferred'],
  },
  saga: { ends: 'committed', effects: ['order.completed', 'order.created', 'payment.charged'] },
  tcc: {
    ends: 'committed',
    effects: ['stock.reserved', 'stock.reserved', 'stock.reserved', 'stock.taken', 'stock.taken', 'stock.taken'],
  },
} as const satisfies Record<string, { ends: string; effects: readonly string[] }>;
export type OrderKind = keyof typeof orderKinds;

/** Kinds whose effects are no whole order: the shop's own audit does not know them. */
export const partial: readonly OrderKind[] = ['saga', 'tcc'];

export interface Step {
  readonly id: string;
  readonly kind: string;
  readonly url?: string;
  readonly participant?: string;
  readonly handler?: string;
  readonly input: Json;
  readonly after?: readonly string[];
  readonly [option: string]: unknown;
}

type Services = Readonly<Record<ServiceName, Pick<Service, 'target'>>>;
const orderId = { $from: 'order.orderId' };
const amountCents = { $from: 'order.totalCents' };

/** The steps that orders are made of. */
export function stepsOf({ order, payment, stock }: Services, customer = 'ann', sku = 'tea') {
  const lines = [{ sku, quantity: 1 }];
  // Kills come faster than in life: so do the attempts.
  const retry = { maxMs: 500 };
  return {
    order: {
      id: 'order',
      kind: 'saga',
      ...order.target('place'),
      input: { customer, lines: [{ sku, quantity: 1, priceCents: 450 }] },
      retry,
    },
    payment: {
      id: 'payment',
      kind: 'saga',
      ...payment.target('charge'),
      input: { orderId, customer, amountCents },
      retry,
    },
    transfer: {
      id: 'payment',
      kind: 'saga',
      ...payment.target('transfer'),
      input: { orderId, customer, amountCents },
      retry,
    },
    stock: { id: 'stock', kind: 'tcc', ...stock.target('reserve'), input: { orderId, lines }, retry },
    complete: { id: 'complete', kind: 'saga', ...order.target('complete'), input: { orderId }, retry },
  } as const satisfies Record<string, Step>;
}

/** The steps of a plan of that kind. */
export function planOf(
  services: Services,
  kind: Exclude<OrderKind, 'initiated' | 'initiated, refused'>,
): readonly Step[] {
  const { order, payment, transfer, stock, complete } = stepsOf(services);
  switch (kind) {
    case 'good':
    case 'transferred': {
      const paid = kind === 'good' ? payment : transfer;
      const beside = { after: ['order'] };
      return [order, { ...paid, ...beside }, { ...stock, ...beside }, { ...complete, after: ['payment', 'stock'] }];
    }
    case 'refused': {
      const pat = stepsOf(services, 'pat');
      return [pat.order, pat.stock, pat.payment, complete];
    }
    case 'sold out':
    case 'transferred, sold out': {
      const kettle = stepsOf(services, 'ann', 'kettle');
      return [kettle.order, kind === 'sold out' ? kettle.payment : kettle.transfer, kettle.stock, complete];
    }
    case 'saga':
      return [order, payment, complete];
    case 'tcc':
      return [1, 2, 3].map((n) => ({
        ...stock,
        id: `stock${n}`,
        after: [],
        input: { orderId: n, lines: [{ sku: 'tea', quantity: n }] },
      }));
  }
}

/** Long enough that no deadline decides what a kill delayed. */
export const timeoutMs = 600_000;

/** Drives a transaction as its initiator: branch by branch, rolling back at the first that is not done. */
export async function initiate(customer: Customer, services: Services, xid: string, who: string): Promise<void> {
  const { order, stock, payment } = stepsOf(services, who);
  await customer.open({ xid, name: 'initiated', timeoutMs });
  const placed = await customer.add(xid, order);
  const { orderId = 0, totalCents = 0 } = (placed?.output ?? {}) as { orderId?: number; totalCents?: number };
  const rest: readonly Step[] = [
    { ...stock, input: { orderId, lines: [{ sku: 'tea', quantity: 1 }] } },
    { ...payment, input: { orderId, customer: who, amountCents: totalCents } },
  ];
  let done = placed?.status === 'done';
  for (const step of rest) done &&= (await customer.add(xid, step))?.status === 'done';
  await customer.decide(xid, done ? 'commit' : 'rollback');
}
