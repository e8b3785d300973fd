/** Sagas whose services are on a real PostgreSQL, each in a database of its own. */
import test, { type ExecutionContext } from 'ava';
import type { Knex } from 'knex';
import type { Client } from '../../sdk/client/client.js';
import { type Branch, participant, saga } from '../../sdk/index.js';
import { examine, explore, snapshot } from '../../sdk/testing.js';
import type { Postgres } from '../helpers/postgres.js';
import { withPostgres } from '../helpers/with-postgres.js';
import { buy, type Order, order, type Parts, payment, type Shop, stock } from './shop.js';

const postgresOrder = saga({
  async action({ sku }: Order, tx: Branch): Promise<number> {
    const [row] = await tx.db('orders').insert({ sku, status: 'placed' }).returning('id');
    return row.id;
  },
  compensate: order.rollback as never,
});

async function openDatabase(server: Postgres, ...statements: readonly string[]): Promise<Knex> {
  const db = server.connect(await server.database());
  for (const statement of statements) await db.raw(statement);
  return db;
}

async function openShop(server: Postgres, parts: Parts = {}): Promise<Shop> {
  const [orders, items, accounts] = await Promise.all([
    openDatabase(
      server,
      'create table orders (id serial primary key, sku text, status text, placed_at timestamptz default now())',
    ),
    openDatabase(
      server,
      'create table items (sku text primary key, free bigint)',
      "insert into items values ('tea', 3)",
    ),
    openDatabase(
      server,
      'create table accounts (owner text primary key, cents numeric)',
      "insert into accounts values ('ann', 5000)",
    ),
  ]);
  const dbs = { order: orders, stock: items, payment: accounts };
  const back = await Promise.all(Object.values(dbs).map(snapshot));
  return {
    dbs,
    participants: [
      participant({ name: 'order', db: dbs.order, handlers: { create: parts.order ?? postgresOrder } }),
      participant({ name: 'stock', db: dbs.stock, handlers: { reserve: parts.stock ?? stock } }),
      participant({ name: 'payment', db: dbs.payment, handlers: { charge: parts.payment ?? payment } }),
    ],
    reset: () => Promise.all(back.map((restore) => restore())),
    close: () => Promise.all(Object.values(dbs).map((db) => db.destroy())),
  };
}

/** Counts come as texts. */
const invariant = async (shop: Shop) => {
  const [[{ placed }], [{ free }], [{ cents }]] = (await Promise.all([
    shop.dbs.order('orders').where({ status: 'placed' }).count({ placed: '*' }),
    shop.dbs.stock('items').select('free'),
    shop.dbs.payment('accounts').select('cents'),
  ])) as [[{ placed: string }], [{ free: string }], [{ cents: string }]];
  const said = [Number(placed), 3 - Number(free), (5000 - Number(cents)) / 900];
  return new Set(said).size === 1 ? undefined : `placed, taken and paid are ${said.join(', ')}`;
};

withPostgres((server) => {
  const failuresOf = async (parts: Parts, casesMax: number) =>
    (await examine(buy, { participants: () => openShop(server, parts), invariant, pairsMax: 0, casesMax })).failures;

  test.serial('a saga of three steps is right on PostgreSQL', async (t: ExecutionContext) => {
    t.timeout(110_000);
    const report = await explore(buy, { participants: () => openShop(server), invariant, pairsMax: 20 });
    t.log(`${report.cases} cases in ${report.durationMs} ms`);
    t.regex(String(report), /^\d+ cases \(two troubles at once: 20 of \d+\), nothing is wrong$/);
    t.true(report.cases > 140);
  });

  test.serial('an undo that does nothing is found, by what stands in the tables', async (t) => {
    const forward = payment.forward as NonNullable<typeof payment.forward>;
    const failures = await failuresOf(
      {
        payment: saga({ action: forward as never, compensate: async () => undefined }),
      },
      12,
    );
    t.deepEqual(
      failures.map(({ kind, where }) => `${kind}: ${where}`),
      ['undo missing: the undo of payment/charge'],
    );
    t.regex(failures[0]?.story ?? '', /takes back nothing of what was written to payment\.accounts/);
  });

  test.serial('a handler that goes on after a failed write is safe, as PostgreSQL takes back the whole', async (t) => {
    const forward = stock.forward as (input: Order, tx: Branch) => Promise<void>;
    const going = saga({
      action: (input: Order, tx: Branch) => forward(input, tx).catch(() => undefined),
      compensate: stock.rollback as never,
    });
    const take = (client: Client) =>
      client.run('take', () => client.call({ participant: 'stock', handler: 'reserve' }, { sku: 'tea', cents: 0 }));
    const report = await examine(take, { participants: () => openShop(server, { stock: going }), pairsMax: 0 });
    t.deepEqual(report.failures, []);
    t.true(report.cases > 30);
  });

  test.serial('a picture of a database brings back rows, counters and what keys and triggers guard', async (t) => {
    const db = await openDatabase(
      server,
      'create table parents (id serial primary key, name text, twice text generated always as (name || name) stored)',
      'create table "Children" (id bigint generated always as identity, parent integer references parents)',
      `create function forbid() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$`,
      "insert into parents (name) values ('a')",
      'insert into "Children" (parent) values (1)',
      'create trigger forbidden before insert on "Children" for each row execute function forbid()',
    );
    t.teardown(() => db.destroy());
    const look = async () => [await db('parents').orderBy('id'), await db('Children').orderBy('id')];
    const first = await look();
    const back = await snapshot(db);
    await db('Children').del();
    await db('parents').where('id', 1).update({ name: 'b' });
    await db('parents').insert({ name: 'c' });
    await back();
    t.deepEqual(await look(), first);
    t.deepEqual(await db('parents').insert({ name: 'd' }).returning('id'), [{ id: 2 }]);
    await db.raw('create role somebody login');
    await db.raw('grant all on all tables in schema public to somebody');
    const other = await db.raw('select current_database() as name');
    const limited = server.connect(other.rows[0].name, { user: 'somebody' });
    t.teardown(() => limited.destroy());
    await t.throwsAsync(snapshot(limited), {
      instanceOf: TypeError,
      message: /session_replication_role.*reset of your own/,
    });
  });
});
