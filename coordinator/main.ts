/**
 * Builds what a configuration names and wires it, from the door in to the door out. What embed.ts does for an application,
 * this does for `concordat serve`; nothing else constructs.
 */
import { systemChance, systemClock } from './clock.js';
import type { Config } from './config.js';
import { connectionsPerOrigin, startCoordinator, storeWaitMs } from './coordinator.js';
import { allowList } from './dispatch/allow.js';
import { httpTransport } from './dispatch/http.js';
import { Registry } from './dispatch/registry.js';
import { createDoor } from './http/door.js';
import { jsonLog } from './observe/log.js';
import { openSqliteStore } from './store/sqlite/store.js';
import type { StoreError } from './store/store.js';

/** A coordinator with its door, as `concordat serve` runs it. */
export interface Running {
  /** Where the door listens. */
  readonly url: string;
  /** Resolves when it has to end by itself, because the store can no longer be trusted. */
  readonly broken: Promise<StoreError>;
  stop(): Promise<void>;
}

/** Starts everything that a configuration names. Rejects when the store cannot be opened or the address is taken. */
export async function run(config: Config): Promise<Running> {
  const log = jsonLog(config.logLevel);
  const clock = systemClock();
  const chance = systemChance();
  const store = await openSqliteStore({ path: config.store.path, chance, busyTimeoutMs: storeWaitMs });
  const allow = allowList(config.allow);
  const { origin, tokenKey } = store.identity;
  const { signingSecrets } = config;
  const registry = new Registry({ store, clock, log });
  await registry.refresh().catch((error) => log.error({ error: String(error) }, 'the registry cannot be read'));
  const transport = httpTransport({ origin, tokenKey, signingSecrets, allow, clock, connectionsPerOrigin, registry });
  let onBroken: (error: StoreError) => void = () => undefined;
  const broken = new Promise<StoreError>((resolve) => {
    onBroken = resolve;
  });
  const { leaseMs, sweepMs, stopGraceMs } = config;
  const tend = () => registry.refresh();
  const parts = { store, transport, log, leaseMs, sweepMs, onBroken, clock, chance };
  const coordinator = await startCoordinator({ ...parts, presence: registry, tend });
  const door = createDoor({
    engine: coordinator.engine,
    store,
    config,
    clock,
    chance,
    allow,
    directory: registry,
    registry,
    log,
  });
  const url = await door.listen().catch(async (error) => {
    await coordinator.stop(0);
    await store.close();
    throw error;
  });
  log.info({ url, coordinator: coordinator.id, origin, store: config.store.path }, 'listening');
  return {
    url,
    broken,
    async stop() {
      log.info({ coordinator: coordinator.id }, 'stopping');
      await Promise.all([door.close(stopGraceMs), coordinator.stop(stopGraceMs)]);
      await transport.close();
      await store.close();
      log.info({ coordinator: coordinator.id, ...store.stats() }, 'stopped');
    },
  };
}
