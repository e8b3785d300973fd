import type { Knex } from 'knex';
import { createTables } from '../database.js';
import { effectsTable } from '../effects.js';

/** Makes what is not there yet. */
export const prepareOrder = (db: Knex): Promise<void> =>
  createTables(db, [
    effectsTable,
    `create table if not exists orders (
      id integer primary key autoincrement,
      origin text not null,
      xid text not null,
      branch integer not null,
      customer text not null,
      total_cents integer not null check (total_cents > 0),
      status text not null check (status in ('pending', 'confirmed', 'cancelled'))
    )`,
    `create table if not exists order_lines (
      order_id integer not null references orders (id),
      line integer not null,
      sku text not null,
      quantity integer not null check (quantity > 0),
      price_cents integer not null check (price_cents > 0),
      primary key (order_id, line)
    )`,
  ]);
