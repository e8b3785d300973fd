import type { Knex } from 'knex';
import { createTables } from '../database.js';
import { effectsTable } from '../effects.js';

export interface Opening {
  /** Opening balance in cents by customer, for accounts that are not there yet. */
  readonly accounts?: ReadonlyMap<string, number>;
  /** Customers among them whose account is closed. */
  readonly closed?: readonly string[];
}

/** Makes what is not there yet. Money is whole cents. An opening balance never changes: opening = balance + what was captured. */
export async function preparePayment(db: Knex, { accounts = new Map(), closed = [] }: Opening = {}): Promise<void> {
  await createTables(db, [
    effectsTable,
    `create table if not exists accounts (
      customer text primary key,
      opening_cents integer not null check (opening_cents >= 0),
      balance_cents integer not null check (balance_cents >= 0),
      closed integer not null check (closed in (0, 1))
    )`,
    `create table if not exists payments (
      id integer primary key autoincrement,
      origin text not null,
      xid text not null,
      branch integer not null,
      customer text not null references accounts (customer),
      order_id integer not null,
      amount_cents integer not null check (amount_cents > 0),
      status text not null check (status in ('captured', 'refunded'))
    )`,
  ]);
  for (const [customer, cents] of accounts) {
    const row = { customer, opening_cents: cents, balance_cents: cents, closed: closed.includes(customer) };
    await db('accounts').insert(row).onConflict('customer').ignore();
  }
}
