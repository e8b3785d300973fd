/**
 * A coordinator, its participants and a client in this process. Wires the same parts as main.ts does, with calls in the
 * place of HTTP.
 */
import { type Client, clientOver } from '../sdk/client/client.js';
import { type Hosted, hostParticipants } from '../sdk/participant/host.js';
import { type Clock, systemChance, systemClock } from './clock.js';
import type { Config } from './config.js';
import { connectionsPerOrigin, startCoordinator, storeWaitMs } from './coordinator.js';
import { allowList } from './dispatch/allow.js';
import { httpTransport } from './dispatch/http.js';
import { localTransport } from './dispatch/local.js';
import { Registry } from './dispatch/registry.js';
import { transports } from './dispatch/transports.js';
import { exchangeInside } from './embed/exchange.js';
import { localHandlers } from './embed/handlers.js';
import { configOfOptions, type EmbedOptions } from './embed/options.js';
import { takeStore } from './embed/paths.js';
import { residents } from './embed/residents.js';
import type { Door, DoorOptions } from './http/door.js';
import { lookoutOn } from './http/lookout.js';
import { remembering } from './http/targets.js';
import { jsonLog } from './observe/log.js';
import { openObserved } from './observed.js';
import { type Retention, retentionOf } from './retention.js';
import type { Store } from './store/store.js';

/** A client of the coordinator that lives beside it. */
export interface Embedded extends Client {
  /** The same, to be taken apart: `const { client } = await embed(…)`. */
  readonly client: Client;
  /** Where the HTTP API is served; undefined without `listen`. */
  readonly url: string | undefined;
  /**
   * Takes no more work, waits at most `stopGraceMs` for what is in flight, and closes the store. Transactions that are
   * not finished go on when the store is embedded again.
   */
  close(): Promise<void>;
}

/**
 * Starts a coordinator inside this process: no server, no port. What the last process left undone on the same file goes
 * on at once. Rejects when an option is wrong (ConfigError), a participant cannot be hosted, or the store cannot be opened
 * (StoreError); the message says what to do.
 */
export async function embed(options: EmbedOptions): Promise<Embedded> {
  const config = configOfOptions(options);
  const opened: Closer[] = [];
  try {
    return await start(options, config, opened);
  } catch (error) {
    // What went wrong at first is what matters.
    await closeAll(opened, 0).catch(() => undefined);
    throw error;
  }
}

/** Waits at most so long for what is in flight. */
type Closer = (graceMs: number) => unknown;

/** In reverse order: what was opened last leans on what was opened first. One that fails keeps none of the others open. */
async function closeAll(opened: readonly Closer[], graceMs: number): Promise<void> {
  const failures: unknown[] = [];
  for (const close of opened.toReversed()) {
    try {
      await close(graceMs);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Notes in `opened` how to close each part. */
async function start(options: EmbedOptions, config: Config, opened: Closer[]): Promise<Embedded> {
  const { stopGraceMs, leaseMs, sweepMs, participantConcurrency, signingSecrets, policy } = config;
  const log = typeof options.log === 'object' ? options.log : jsonLog(config.logLevel);
  const clock = systemClock();
  const chance = systemChance();
  const marks = { rollbackOnly: (xid: string, reason?: string) => client.rollbackOnly(xid, reason) };
  const hosted = await hostAll({ participants: options.participants, client: marks, clock, log });
  // Closing the coordinator waited for them already: those that still run are told to stop.
  opened.push(() => hosted.close(0));
  opened.push(takeStore(config.store));
  const kept = { address: config.store, chance, busyTimeoutMs: storeWaitMs };
  const { store, calls, ...seen } = await openObserved({ ...kept, clock, metrics: options.metrics === true });
  const retention = retentionOf({ store, clock, log, config });
  opened.push(() => retention.stop().then(() => store.close()));
  const registry = new Registry({ store, clock, log });
  await registry.refresh();
  const here = residents(hosted.definitions, registry);
  const allow = remembering(allowList(config.allow));
  const ways = transports({
    http: httpTransport({ ...store.identity, signingSecrets, allow, clock, connectionsPerOrigin, registry }),
    local: localTransport(localHandlers({ ...hosted, identity: store.identity }), clock),
    isLocal: here.has,
  });
  const transport = calls(ways);
  opened.push(() => transport.close());
  const coordinator = await startCoordinator({
    store,
    transport,
    log,
    presence: here,
    tend: () => tend({ registry, store, clock, hosted, retention }),
    ...{ leaseMs, sweepMs, sweepAtOnce: true, participantConcurrency },
    onBroken: (error) => {
      log.error({ error: error.message }, 'the store can no longer be trusted: closing');
      void close().catch(() => undefined);
    },
    clock,
    chance,
  });
  const { engine, controls } = coordinator;
  const leaseAgeMs = () => coordinator.sweep.leaseAgeMs();
  const lookout = lookoutOn({ store, clock, log, ...seen, leaseAgeMs });
  const known = { registry: here.registry, directory: here, lookout };
  const parts = { engine, controls, store, clock, chance, log, allow, ...known };
  let door: Door | undefined;
  opened.push((graceMs) => Promise.all([door?.close(graceMs), coordinator.stop(graceMs)]));
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= closeAll(opened, stopGraceMs);
    return closing;
  };
  const exchange = exchangeInside({ ...parts, policy, stopping: () => closing !== undefined }, close);
  // Nothing is awaited before this: handlers of what an earlier process left may run from the next turn on.
  const client = clientOver(exchange, { ...clock, uuid: chance.uuid });
  if (options.listen !== undefined) door = await openDoor({ ...parts, config });
  return Object.assign(client, { client, url: await door?.listen() });
}

interface Tended {
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: Clock;
  readonly hosted: Pick<Hosted, 'setFloor'>;
  readonly retention: Retention;
}

/** What hosts elsewhere learn with their heartbeat: who else is there, and how far fences may be cleaned. */
async function tend({ registry, store, clock, hosted, retention }: Tended): Promise<void> {
  retention.tend();
  await registry.refresh();
  // Before the look at the transactions: one that is opened meanwhile is younger than this.
  const now = clock.now();
  hosted.setFloor(Math.min((await store.oldestUnfinished()) ?? now, now), store.identity.origin);
}

const hostAll = async (parts: Parameters<typeof hostParticipants>[0]): Promise<typeof nobody> =>
  parts.participants.length === 0 ? nobody : hostParticipants(parts);

/** For a coordinator that only sends to URLs. */
const nobody: Pick<Hosted, 'definitions' | 'execute' | 'setFloor' | 'close'> = Object.freeze({
  definitions: [],
  execute: () => Promise.reject(new Error('there are no participants here')),
  setFloor: () => undefined,
  close: async () => undefined,
});

/** Loaded only when it is asked for: most have no use for a server. */
async function openDoor(options: DoorOptions): Promise<Door> {
  const { createDoor } = await import('./http/door.js');
  return createDoor(options);
}
