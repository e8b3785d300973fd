import { type Branch, Participant, Saga, type Settle } from 'concordat';
import type { Knex } from 'knex';

export interface Cart {
  readonly customer: string;
  readonly sku: string;
  readonly quantity: number;
  readonly totalCents: number;
}

/** Keeps the orders. `db` says where its fence lives: in its own database, next to its tables. */
@Participant('order', { db: (service: OrderService) => service.db })
export class OrderService {
  readonly db: Knex;

  constructor(db: Knex) {
    this.db = db;
  }

  static readonly tables = [
    `create table orders (id integer primary key, customer text, total_cents integer, status text)`,
  ];

  /** Takes effect at once. `tx.db` is an open transaction of this database: the effect and the fence commit together. */
  @Saga({ compensate: 'cancel' })
  async create({ customer, totalCents }: Cart, tx: Branch): Promise<{ orderId: number }> {
    const [orderId = 0] = await tx.db('orders').insert({ customer, total_cents: totalCents, status: 'placed' });
    return { orderId };
  }

  /** Undoes it. `tx.output` is what `create` answered. Only called when there is something to undo, and once. */
  async cancel(_cart: Cart, tx: Settle<{ orderId: number }>): Promise<void> {
    await tx.db('orders').where({ id: tx.output.orderId }).update({ status: 'cancelled' });
  }
}
