/** Which store an address means. Each is loaded only where it is asked for: nobody needs the driver of another. */

import type { Chance } from '../clock.js';
import type { StoreAddress } from '../config.js';
import type { StoreFacts, StoreSchema } from './facts.js';
import type { GroupWriter } from './group.js';
import type { Store } from './store.js';

export interface OpenOptions {
  readonly chance: Chance;
  /** How long one try waits for a lock of another process. */
  readonly busyTimeoutMs?: number;
  /** Stands before what writes groups of appends: to see what goes by. */
  readonly before?: (writer: GroupWriter) => GroupWriter;
}

/** Rejects with StoreError, whose message says what to do. */
export async function openStore(address: StoreAddress, options: OpenOptions): Promise<Store> {
  if (address.kind === 'sqlite')
    return (await import('./sqlite/store.js')).openSqliteStore({ ...options, path: address.path });
  return (await import('./postgres/store.js')).openPostgresStore({ ...options, url: address.url });
}

/** Where its schema stands; undefined when there is no store. Rejects with StoreError for one that must not be used. */
export async function schemaOf(address: StoreAddress): Promise<StoreSchema | undefined> {
  if (address.kind === 'sqlite') return (await import('./sqlite/inspect.js')).schemaOfFile(address.path);
  return (await import('./postgres/inspect.js')).schemaOfDatabase(address.url);
}

/** What there is to know of it; undefined when there is no store. Rejects as {@link schemaOf} does. */
export async function factsOf(address: StoreAddress): Promise<StoreFacts | undefined> {
  if (address.kind === 'sqlite') return (await import('./sqlite/inspect.js')).factsOfFile(address.path);
  return (await import('./postgres/inspect.js')).factsOfDatabase(address.url);
}

/** Brings it to the current schema, or makes it, in one transaction: killed half-way, it is as it was. */
export async function upgradeStore(
  address: StoreAddress,
  chance: Chance,
  onStep: (name: string) => void,
): Promise<void> {
  if (address.kind === 'sqlite')
    return (await import('./sqlite/upgrade.js')).upgradeSqliteStore(address.path, chance, onStep);
  await (await import('./postgres/upgrade.js')).upgradePostgresStore(address.url, chance, onStep);
}
