/** A shop in three services, each with a database of its own. Each part may be given with a mistake in it. */
import createKnex, { type Knex } from 'knex';
import type { Client } from '../../sdk/client/client.js';
import { type Branch, type Handler, participant, Refused, type Settle, saga } from '../../sdk/index.js';
import type { Rehearsed } from '../../sdk/testing.js';

export interface Order {
  readonly sku: string;
  readonly cents: number;
}

export interface Parts {
  readonly order?: Handler;
  readonly stock?: Handler;
  readonly payment?: Handler;
}

export interface Shop extends Rehearsed {
  readonly dbs: { readonly order: Knex; readonly stock: Knex; readonly payment: Knex };
}

export const order = saga({
  async action({ sku }: Order, tx: Branch): Promise<number> {
    const [id = 0] = await tx.db('orders').insert({ sku, status: 'placed' });
    return id;
  },
  async compensate(_: Order, tx: Settle<number>) {
    await tx.db('orders').where('id', tx.output).update({ status: 'cancelled' });
  },
});

export const stock = saga({
  async action({ sku }: Order, tx: Branch): Promise<void> {
    const taken = await tx.db('items').where({ sku }).where('free', '>', 0).decrement('free', 1);
    if (taken === 0) throw new Refused(`no ${sku} is left`);
  },
  async compensate({ sku }: Order, tx) {
    await tx.db('items').where({ sku }).increment('free', 1);
  },
});

export const payment = saga({
  async action({ cents }: Order, tx: Branch): Promise<void> {
    const paid = await tx.db('accounts').where({ owner: 'ann' }).where('cents', '>=', cents).decrement('cents', cents);
    if (paid === 0) throw new Refused('too little money');
  },
  async compensate({ cents }: Order, tx) {
    await tx.db('accounts').where({ owner: 'ann' }).increment('cents', cents);
  },
});

export async function memory(...statements: readonly string[]): Promise<Knex> {
  const db = createKnex({ client: 'sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true });
  for (const statement of statements) await db.raw(statement);
  return db;
}

export async function openShop(parts: Parts = {}): Promise<Shop> {
  const dbs = {
    order: await memory('create table orders (id integer primary key, sku text, status text)'),
    stock: await memory(
      'create table items (sku text primary key, free integer)',
      "insert into items values ('tea', 3)",
    ),
    payment: await memory(
      'create table accounts (owner text primary key, cents integer)',
      "insert into accounts values ('ann', 5000)",
    ),
  };
  return {
    dbs,
    participants: [
      participant({ name: 'order', db: dbs.order, handlers: { create: parts.order ?? order } }),
      participant({ name: 'stock', db: dbs.stock, handlers: { reserve: parts.stock ?? stock } }),
      participant({ name: 'payment', db: dbs.payment, handlers: { charge: parts.payment ?? payment } }),
    ],
    close: () => Promise.all(Object.values(dbs).map((db) => db.destroy())),
  };
}

/** One order for tea. */
export const buy = (client: Client): Promise<unknown> =>
  client.run('buy', async () => {
    const input: Order = { sku: 'tea', cents: 900 };
    await client.call({ participant: 'order', handler: 'create' }, input);
    await client.call({ participant: 'stock', handler: 'reserve' }, input);
    await client.call({ participant: 'payment', handler: 'charge' }, input);
  });

/** What was paid for was taken, and is on its way. */
export async function booksBalance({ dbs }: Shop): Promise<string | undefined> {
  const [[{ placed }], [{ free }], [{ cents }]] = (await Promise.all([
    dbs.order('orders').where({ status: 'placed' }).count({ placed: '*' }),
    dbs.stock('items').select('free'),
    dbs.payment('accounts').select('cents'),
  ])) as [[{ placed: number }], [{ free: number }], [{ cents: number }]];
  const [taken, paid] = [3 - free, (5000 - cents) / 900];
  return placed === taken && taken === paid
    ? undefined
    : `${placed} orders are placed, ${taken} taken and ${paid} paid`;
}
