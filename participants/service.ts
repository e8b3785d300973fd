import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Knex } from 'knex';
import { type Now, systemNow } from './clock.js';
import { createTables, openDatabase } from './database.js';
import type { Definition } from './definition.js';
import { effectsTable } from './effects.js';
import { passBy, type Reach } from './failpoint.js';
import { inboxTable } from './inbox.js';
import { routes } from './routes.js';
import { readSecrets } from './signature.js';

export interface ServiceOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly listen: string;
  /** Path of the SQLite file. */
  readonly db: string;
  /** `whsec_…`, several separated by spaces. Without one, commands need no signature. */
  readonly secret?: string;
  readonly now?: Now;
  readonly reach?: Reach;
  /** Where failures are told, a JSON line each; standard error unless told otherwise. */
  readonly log?: (line: string) => void;
}

export interface Service {
  readonly url: string;
  /** Lets what is in flight finish, then closes the port and the database. */
  stop(): Promise<void>;
}

export async function startService(definition: Definition, options: ServiceOptions): Promise<Service> {
  const { now = systemNow, reach = passBy, secret = '', log = toStderr } = options;
  const keys = readSecrets(secret);
  const db = openDatabase(options.db);
  try {
    await createTables(db, [inboxTable, effectsTable, ...definition.tables]);
    await definition.seed(db);
    const server = createServer(routes(definition, { db, now, reach, keys, log }));
    closeWhenStopping(server);
    await listen(server, options.listen);
    return { url: urlOf(server), stop: () => stop(server, db) };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

const toStderr = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function listen(server: Server, address: string): Promise<void> {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  if (!host || Number(port) > 65_535) throw new Error(`listen: expected host:port, got ${address}`);
  server.listen(Number(port), host.replace(/^\[(.*)\]$/, '$1'));
  await once(server, 'listening');
}

/** Connections are kept longer than their callers keep them, so that no request meets one that is just being closed. */
const keepAliveMs = 65_000;

function closeWhenStopping(server: Server): void {
  server.keepAliveTimeout = keepAliveMs;
  server.on('request', (_request, response) => {
    response.once('close', () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
  });
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`;
}

async function stop(server: Server, db: Knex): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  await closed;
  await db.destroy();
}
