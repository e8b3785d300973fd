import type { Knex } from 'knex';
import { createTables } from '../database.js';
import { effectsTable } from '../effects.js';

export interface Delivery {
  /** Quantity received by sku, for skus that are not there yet. */
  readonly skus?: ReadonlyMap<string, number>;
}

/** Makes what is not there yet. What was received never changes: received = on hand + reserved + sold. */
export async function prepareStock(db: Knex, { skus = new Map() }: Delivery = {}): Promise<void> {
  await createTables(db, [
    effectsTable,
    `create table if not exists skus (
      sku text primary key,
      received integer not null check (received >= 0),
      on_hand integer not null check (on_hand >= 0),
      reserved integer not null check (reserved >= 0),
      sold integer not null check (sold >= 0)
    )`,
    `create table if not exists reservations (
      id integer primary key autoincrement,
      origin text not null,
      xid text not null,
      branch integer not null,
      order_id integer not null,
      status text not null check (status in ('reserved', 'sold', 'freed'))
    )`,
    `create table if not exists reservation_lines (
      reservation_id integer not null references reservations (id),
      line integer not null,
      sku text not null references skus (sku),
      quantity integer not null check (quantity > 0),
      primary key (reservation_id, line)
    )`,
  ]);
  for (const [sku, quantity] of skus) {
    const row = { sku, received: quantity, on_hand: quantity, reserved: 0, sold: 0 };
    await db('skus').insert(row).onConflict('sku').ignore();
  }
}
