/**
 * Builds the parts and wires them: the only place that constructs. Reads from the door in to the door out.
 */
import { hostname } from 'node:os';
import type { CoordinatorId } from '../sdk/protocol/ids.js';
import { type Chance, type Clock, systemChance, systemClock } from './clock.js';
import type { Config } from './config.js';
import { allowList } from './dispatch/allow.js';
import { Dispatcher } from './dispatch/dispatcher.js';
import { httpTransport } from './dispatch/http.js';
import { localTransport } from './dispatch/local.js';
import { Sweep } from './dispatch/sweep.js';
import type { Transport } from './dispatch/transport.js';
import { transports } from './dispatch/transports.js';
import { sendWhile, withheld } from './engine/lease.js';
import { Engine } from './engine.js';
import { emptyDirectory } from './http/directory.js';
import { createDoor } from './http/door.js';
import { jsonLog, type Log } from './observe/log.js';
import { memoryQueue } from './queue/memory.js';
import type { CommandQueue } from './queue/queue.js';
import { openSqliteStore } from './store/sqlite/store.js';
import type { Store, StoreError } from './store/store.js';

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
  const http = httpTransport({ origin, tokenKey, signingSecrets, allow, clock, connectionsPerOrigin });
  const transport = transports({ http, local: localTransport(new Map(), clock) });
  let onBroken: (error: StoreError) => void = () => undefined;
  const broken = new Promise<StoreError>((resolve) => {
    onBroken = resolve;
  });
  const { leaseMs, sweepMs, stopGraceMs } = config;
  const coordinator = await startCoordinator({ store, transport, log, leaseMs, sweepMs, onBroken, clock, chance });
  const door = createDoor({
    engine: coordinator.engine,
    store,
    config,
    clock,
    chance,
    allow,
    directory: emptyDirectory,
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

/** One try waits so long for another process's lock: callers wait behind it, and hear 503 while they still listen. */
const storeWaitMs = 1000;

/** More calls than the dispatcher makes to one place at once: none waits for a connection. */
const connectionsPerOrigin = 256;

export interface CoordinatorOptions {
  readonly store: Store;
  readonly transport: Transport;
  readonly log: Log;
  /** In this process by default. */
  readonly queue?: CommandQueue;
  readonly leaseMs: number;
  readonly sweepMs: number;
  /** The store can no longer be trusted: the process must end. */
  readonly onBroken: (error: StoreError) => void;
  readonly clock?: Clock;
  readonly chance?: Chance;
  readonly host?: string;
  readonly isAlive?: (pid: number) => boolean;
}

/** A coordinator without a door in: an engine that drives transactions on a store. */
export interface Coordinator {
  readonly id: CoordinatorId;
  readonly engine: Engine;
  readonly sweep: Sweep;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Takes no more work, waits at most `graceMs` for what is in flight, and lets go of the lease. */
  stop(graceMs: number): Promise<void>;
}

export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const { store, transport, log, leaseMs, sweepMs, onBroken } = options;
  const { clock = systemClock(), chance = systemChance(), host = hostname(), isAlive = processIsAlive } = options;
  const id = chance.id() as CoordinatorId;
  const { queue = memoryQueue({ clock }) } = options;

  const engine: Engine = new Engine({
    me: id,
    store,
    queue,
    clock,
    chance,
    log,
    leaseTerm: () => sweep.leaseTerm(),
    recall: (xid, branch) => out.recall(xid, branch),
    isHeld: (xid, branch) => out.isHeld(xid, branch),
    horizonMs: 2 * sweepMs,
    onBroken,
  });
  const out: Dispatcher = new Dispatcher({
    transport: sendWhile((command) => engine.toSend(command), transport),
    queue,
    clock,
    report: async (command, reply) => (reply === withheld ? engine.takeBack(command) : engine.report(command, reply)),
    onError: (error, command) => void engine.report(command, { kind: 'unknown', error: `not sent: ${String(error)}` }),
  });
  const sweep: Sweep = new Sweep({
    me: { id, host, pid: process.pid, leaseMs },
    store,
    clock,
    chance,
    sweepMs,
    isAlive,
    wake: (xid) => engine.wake(xid),
    adopt: (xid, from) => engine.adopt(xid, from),
    review: () => engine.review(),
    takeDoubts: () => engine.takeDoubts(),
    stayDue: () => engine.stayDue(),
    onError: (error) => log.error({ error: String(error) }, 'sweep failed'),
  });
  await sweep.start();

  /** Waits for work that ends by itself, but no longer than this. */
  const atMost = (ms: number, work: Promise<unknown>): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      void work
        .catch((error) => log.warn({ error: String(error) }, 'not stopped cleanly'))
        .then(() => {
          cancel();
          resolve();
        });
    });

  return {
    id,
    engine,
    sweep,
    clock,
    chance,
    async stop(graceMs) {
      engine.stop();
      await Promise.all([atMost(graceMs, sweep.stop()), out.drain(graceMs)]);
      await queue.close(0);
      await atMost(dropLeaseMs, store.dropLease(id));
    },
  };
}

/** How long the store may take to let go of the lease at the end; it runs out by itself. */
const dropLeaseMs = 1000;

/** Whether a process of this host is there; one of another user counts. */
function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
