import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Knex } from 'knex';
import { openDatabase } from './database.js';
import type { Definition } from './definition.js';
import { inboxTable } from './inbox.js';
import { routes } from './routes.js';
import { readSecrets } from './signature.js';

/** One row for each effect, written in the transaction of the effect: what really happened, for whoever checks. */
const effectsTable = `create table if not exists effects (
  id integer primary key autoincrement,
  origin text not null,
  xid text not null,
  branch integer not null,
  op text not null,
  effect text not null
)`;

export interface ServiceOptions {
  /** On 127.0.0.1; 0 takes a free one. */
  readonly port?: number;
  /** Path of the SQLite file. */
  readonly db: string;
  /** `whsec_…`, several separated by spaces. Without one, commands need no signature. */
  readonly secret?: string;
  /** UTC ms. Only for expiry, signatures and times that people read; nothing is ordered by it. */
  readonly now?: () => number;
}

export interface Service {
  readonly url: string;
  /** Lets what is in flight finish, then closes the port and the database. */
  stop(): Promise<void>;
}

export async function startService(definition: Definition, options: ServiceOptions): Promise<Service> {
  const { port = 0, secret = '', now = () => Date.now() } = options;
  const keys = readSecrets(secret);
  const db = openDatabase(options.db);
  try {
    const statements = [inboxTable, effectsTable, ...definition.tables, ...definition.firstRows];
    for (const statement of statements) await db.raw(statement);
    const server = createServer(routes(definition, { db, now, keys }));
    // Longer than the coordinator keeps a connection, so that no command meets one that is just being closed.
    server.keepAliveTimeout = 65_000;
    server.on('request', (_request, response) => {
      // When stopping, a connection that answered its last request would be waited for.
      response.once('close', () => {
        if (!server.listening) setImmediate(() => server.closeIdleConnections());
      });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      stop: () => stop(server, db),
    };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function stop(server: Server, db: Knex): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  await closed;
  await db.destroy();
}
