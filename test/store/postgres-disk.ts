import type { ExecutionContext } from 'ava';
import { openPostgresStore, type PostgresStoreOptions } from '../../coordinator/store/postgres/store.js';
import type { Store } from '../../coordinator/store/store.js';
import type { Postgres } from '../helpers/postgres.js';
import { chance } from './sample.js';

/** So many databases at once: each store has several connections, and the server has only so many. */
const databasesMax = 10;
let taken = 0;
const waiting: (() => void)[] = [];

/** The address of a database of the test's own. */
export async function tempDatabase(t: ExecutionContext, server: Postgres): Promise<string> {
  if (taken >= databasesMax) await new Promise<void>((resolve) => waiting.push(resolve));
  else taken++;
  t.teardown(() => {
    const next = waiting.shift();
    if (next) next();
    else taken--;
  });
  return server.url(await server.database());
}

/** Opens a store that closes with the test. */
export async function openStore(
  t: ExecutionContext,
  options: Partial<PostgresStoreOptions> & { url: string },
): Promise<Store> {
  const store = await openPostgresStore({ chance, ...options });
  t.teardown(() => store.close());
  return store;
}
