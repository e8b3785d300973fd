/** A coordinator without a door in: built of a store and a way out, and stopped again. */
import { hostname } from 'node:os';
import type { CoordinatorId } from '../sdk/protocol/ids.js';
import { defaults, limits } from '../sdk/protocol/limits.js';
import { processIsAlive } from './alive.js';
import { type Chance, type Clock, systemChance, systemClock } from './clock.js';
import { everywhere, type Presence, unplaced } from './dispatch/absence.js';
import { Controls } from './dispatch/controls.js';
import { standsAside } from './dispatch/crowd.js';
import { Dispatcher } from './dispatch/dispatcher.js';
import { Lanes } from './dispatch/lanes.js';
import { Sweep } from './dispatch/sweep.js';
import type { Reply, Transport } from './dispatch/transport.js';
import { sendWhile, withheld } from './engine/lease.js';
import { Engine } from './engine.js';
import { Alarms } from './observe/alarms.js';
import type { Log } from './observe/log.js';
import { memoryQueue } from './queue/memory.js';
import type { CommandQueue } from './queue/queue.js';
import type { Store, StoreError } from './store/store.js';

/** One try waits so long for another process's lock: callers wait behind it, and hear 503 while they still listen. */
export const storeWaitMs = 1000;

/** No limit allows more calls to one place at once: none waits for a connection. */
export const connectionsPerOrigin = limits.concurrencyMax;

export interface CoordinatorOptions {
  readonly store: Store;
  readonly transport: Transport;
  readonly log: Log;
  /** In this process by default. */
  readonly queue?: CommandQueue;
  /** Who is there to take commands; everybody by default. */
  readonly presence?: Presence;
  /** What else is looked after in each round of the sweep. */
  readonly tend?: () => Promise<void>;
  /** Calls at once to a participant that nobody set a limit for. */
  readonly participantConcurrency?: number;
  /** So many commands that wait for the same are kept; of the others only which transactions they are of. */
  readonly atHandMax?: number;
  readonly leaseMs: number;
  readonly sweepMs: number;
  /** Sweeps once at the start, instead of some time within the interval: for a process that is alone on its store. */
  readonly sweepAtOnce?: boolean;
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
  /** Limits and pauses of participants, and how they are. */
  readonly controls: Controls;
  /** Takes no more work, waits at most `graceMs` for what is in flight, and lets go of the lease. */
  stop(graceMs: number): Promise<void>;
}

export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const { store, transport, log, leaseMs, sweepMs, onBroken } = options;
  const { clock = systemClock(), chance = systemChance(), host = hostname(), isAlive = processIsAlive } = options;
  const id = chance.id() as CoordinatorId;
  const { queue = memoryQueue({ clock }), presence = everywhere, tend = async () => undefined } = options;
  const lanes = new Lanes(clock, options.participantConcurrency ?? defaults.concurrency);
  const alarms = new Alarms(log, () => clock.monotonic());
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
    presence,
    lanes,
    queue,
    clock,
    ...(options.atHandMax && { atHandMax: options.atHandMax }),
    callBack: (xid) => engine.callBack(xid),
    report(command, reply) {
      if (reply === standsAside) return engine.setAside(command);
      if ('alarm' in reply) alarms.ring(reply.alarm, command.target, command.body.xid);
      return wasNotSent(reply) ? engine.takeBack(command) : engine.report(command, reply);
    },
    onError: (error, command) => void engine.report(command, { kind: 'unknown', error: `not sent: ${String(error)}` }),
  });
  const controls = new Controls({ store, lanes, out });
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
    tend: async () => void (await Promise.all([controls.refresh(), tend()])),
    takeDoubts: () => engine.takeDoubts(),
    stayDue: () => engine.stayDue(),
    onError: (error) => log.error({ error: String(error) }, 'sweep failed'),
  });
  // Who is paused is so from the first command on.
  await controls.refresh();
  await sweep.start(options.sweepAtOnce);

  return {
    id,
    engine,
    sweep,
    clock,
    chance,
    controls,
    async stop(graceMs) {
      engine.stop();
      await Promise.all([waitFor({ clock, log }, graceMs, sweep.stop()), out.drain(graceMs)]);
      await queue.close(0);
      await waitFor({ clock, log }, dropLeaseMs, store.dropLease(id));
    },
  };
}

/** Waits for work that ends by itself, but no longer than this. */
const waitFor = (
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  ms: number,
  work: Promise<unknown>,
): Promise<void> =>
  new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    void work
      .catch((error) => log.warn({ error: String(error) }, 'not stopped cleanly'))
      .then(() => {
        cancel();
        resolve();
      });
  });

/** Nothing of it is known to anybody: it is no attempt. */
const wasNotSent = (reply: Reply): boolean => reply === withheld || reply === unplaced;

/** How long the store may take to let go of the lease at the end; it runs out by itself. */
const dropLeaseMs = 1000;
