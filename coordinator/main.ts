/**
 * Builds the parts and wires them: the only place that constructs. Reads from the door in to the door out.
 */
import { hostname } from 'node:os';
import type { CoordinatorId } from '../sdk/protocol/ids.js';
import { type Chance, type Clock, systemChance, systemClock } from './clock.js';
import { dispatcher } from './dispatch/dispatcher.js';
import { Sweep } from './dispatch/sweep.js';
import type { Transport } from './dispatch/transport.js';
import { Engine } from './engine.js';
import type { Log } from './observe/log.js';
import { memoryQueue } from './queue/memory.js';
import type { Store, StoreError } from './store/store.js';

export interface CoordinatorOptions {
  readonly store: Store;
  readonly transport: Transport;
  readonly log: Log;
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
  const queue = memoryQueue();

  const engine: Engine = new Engine({
    me: id,
    store,
    queue,
    clock,
    chance,
    log,
    leaseHolds: () => sweep.holds(),
    recall: (xid, branch) => void out.recall(xid, branch),
    horizonMs: 2 * sweepMs,
    onBroken,
  });
  const out = dispatcher({
    transport,
    queue,
    clock,
    report: (command, reply) => engine.report(command, reply),
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
    recall: (xid) => engine.recall(xid),
    held: () => engine.size(),
    onError: (error) => log.error({ error: String(error) }, 'sweep failed'),
  });
  await sweep.start();

  return {
    id,
    engine,
    sweep,
    clock,
    chance,
    async stop(graceMs) {
      engine.stop();
      await sweep.stop();
      await out.drain(graceMs);
      await queue.close(0);
      await store.dropLease(id).catch((error) => log.warn({ error: String(error) }, 'lease not dropped'));
    },
  };
}

/** Whether a process of this host is there; one of another user counts. */
function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
