import { type Branch, Participant, Refused, type Settle, Tcc } from 'concordat';
import type { Knex } from 'knex';

export interface Reservation {
  readonly sku: string;
  readonly quantity: number;
}

/** Holds goods while an order is being placed. */
@Participant('stock', { db: (service: StockService) => service.db })
export class StockService {
  readonly db: Knex;

  constructor(db: Knex) {
    this.db = db;
  }

  static readonly tables = [
    `create table skus (sku text primary key, on_hand integer check (on_hand >= 0), reserved integer, sold integer)`,
    `insert into skus values ('tea', 10, 0, 0), ('kettle', 0, 0, 0)`,
  ];

  /** Try, confirm, cancel: nobody else can buy what is held, and it is sold only when the whole order is committed. */
  @Tcc({ confirm: 'sell', cancel: 'release' })
  async reserve({ sku, quantity }: Reservation, tx: Branch): Promise<void> {
    const held = await tx
      .db('skus')
      .where({ sku })
      .where('on_hand', '>=', quantity)
      .decrement('on_hand', quantity)
      .increment('reserved', quantity);
    // A business no: final, rolls the transaction back, and reaches the caller as the same error.
    if (held === 0) throw new Refused(`sold out: ${sku}`, { code: 'sold_out' });
  }

  async sell({ sku, quantity }: Reservation, tx: Settle<void>): Promise<void> {
    await tx.db('skus').where({ sku }).decrement('reserved', quantity).increment('sold', quantity);
  }

  async release({ sku, quantity }: Reservation, tx: Settle<void>): Promise<void> {
    await tx.db('skus').where({ sku }).decrement('reserved', quantity).increment('on_hand', quantity);
  }
}
