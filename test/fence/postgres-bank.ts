/** Participants on one PostgreSQL database, each with connections of its own, as processes beside each other have. */
import net from 'node:net';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Knex } from 'knex';
import type { Handler } from '../../sdk/participant/handler.js';
import type { Postgres } from '../helpers/postgres.js';
import { temporary } from '../helpers/temporary.js';
import { type Bank, startBank } from './bank.js';

export interface Banks {
  readonly name: string;
  readonly db: Knex;
  connect(options?: { readonly max?: number; readonly socket?: string }): Knex;
  /** Another process on the same database. */
  bank(handlers?: Readonly<Record<string, Handler>>, db?: Knex): Promise<Bank>;
}

export async function openBanks(
  t: ExecutionContext,
  server: Postgres,
  settings: Readonly<Record<string, string>> = {},
): Promise<Banks> {
  const name = await server.database(settings);
  const connect: Banks['connect'] = (options) => {
    const made = server.connect(name, options);
    t.teardown(() => made.destroy());
    return made;
  };
  const db = connect();
  await db.raw('create table effects (id serial primary key, effect text not null)');
  await db.raw('create table accounts (owner text primary key, cents integer not null)');
  await db('accounts').insert([
    { owner: 'ann', cents: 100 },
    { owner: 'bob', cents: 100 },
  ]);
  return { name, db, connect, bank: (handlers = {}, own = connect()) => startBank(t, handlers, { db: own }) };
}

/** What happens to the server's answers on the way. */
export interface Proxy {
  readonly socket: string;
  /** The next answer that says so of a commit is lost, and the connection with it. */
  loseCommit(): void;
  readonly lost: () => number;
}

export async function startProxy(t: ExecutionContext, server: Postgres): Promise<Proxy> {
  const folder = await temporary(t);
  const file = '.s.PGSQL.5432';
  let willLose = false;
  let lost = 0;
  const proxy = net.createServer((client) => {
    const upstream = net.connect(path.join(server.socket, file));
    client.pipe(upstream);
    upstream.on('data', (data) => {
      if (!willLose || !data.includes('COMMIT\0')) return void client.write(data);
      willLose = false;
      lost++;
      client.destroy();
      upstream.destroy();
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(path.join(folder, file), resolve));
  t.teardown(() => proxy.close());
  return {
    socket: folder,
    loseCommit: () => {
      willLose = true;
    },
    lost: () => lost,
  };
}
