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
import { Signing } from './dispatch/sign.js';
import { createDoor } from './http/door.js';
import { Keyring } from './http/keys.js';
import { lookoutOn } from './http/lookout.js';
import { jsonLog } from './observe/log.js';
import { openObserved } from './observed.js';
import { retentionOf } from './retention.js';
import { rotationOf } from './rotation.js';
import { storeName } from './store/name.js';
import type { StoreError } from './store/store.js';

/** A coordinator with its door, as `concordat serve` runs it. */
export interface Running {
  /** Where the door listens. */
  readonly url: string;
  /** Resolves when it has to end by itself, because the store can no longer be trusted. */
  readonly broken: Promise<StoreError>;
  /** Reads keys and signing secrets again. */
  reload(): void;
  stop(): Promise<void>;
}

/**
 * Starts everything that a configuration names. Rejects when the store cannot be opened or the address is taken. `reread`
 * gives the configuration as it stands later: keys and signing secrets are taken over from it.
 */
export async function run(config: Config, reread: () => Config = () => config): Promise<Running> {
  const log = jsonLog(config.logLevel);
  const clock = systemClock();
  const chance = systemChance();
  const options = { address: config.store, chance, busyTimeoutMs: storeWaitMs };
  const { store, calls, ...seen } = await openObserved({ ...options, clock, metrics: true });
  const allow = allowList(config.allow);
  const { origin, tokenKey } = store.identity;
  const keys = new Keyring(config.apiKeys);
  const signingSecrets = new Signing(config.signingSecrets);
  const registry = new Registry({ store, clock, log });
  await registry.refresh().catch((error) => log.error({ error: String(error) }, 'the registry cannot be read'));
  const way = { origin, tokenKey, signingSecrets, allow, clock, connectionsPerOrigin, registry };
  const transport = calls(httpTransport(way));
  let onBroken: (error: StoreError) => void = () => undefined;
  const broken = new Promise<StoreError>((resolve) => {
    onBroken = resolve;
  });
  const { leaseMs, sweepMs, stopGraceMs, participantConcurrency } = config;
  const retention = retentionOf({ store, clock, log, config });
  const tend = () => {
    retention.tend();
    return registry.refresh();
  };
  const parts = { store, transport, log, leaseMs, sweepMs, onBroken, clock, chance };
  const coordinator = await startCoordinator({ ...parts, presence: registry, tend, participantConcurrency });
  const leaseAgeMs = () => coordinator.sweep.leaseAgeMs();
  const lookout = lookoutOn({ store, clock, log, ...seen, leaseAgeMs });
  const door = createDoor({
    engine: coordinator.engine,
    controls: coordinator.controls,
    store,
    config,
    keys,
    clock,
    chance,
    allow,
    directory: registry,
    registry,
    lookout,
    log,
  });
  const url = await door.listen().catch(async (error) => {
    await coordinator.stop(0);
    await store.close();
    throw error;
  });
  const rotation = rotationOf({ config, reread, keys, signing: signingSecrets, clock, log, store });
  log.info({ url, coordinator: coordinator.id, origin, store: storeName(config.store) }, 'listening');
  return {
    url,
    broken,
    reload: () => rotation.reload(),
    async stop() {
      rotation.stop();
      log.info({ coordinator: coordinator.id }, 'stopping');
      await Promise.all([door.close(stopGraceMs), coordinator.stop(stopGraceMs), retention.stop()]);
      await transport.close();
      await store.close();
      log.info({ coordinator: coordinator.id, ...store.stats() }, 'stopped');
    },
  };
}
