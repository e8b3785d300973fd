import type { ExecutionContext } from 'ava';
import type { Chance } from '../../coordinator/clock.js';
import { type Coordinator, startCoordinator } from '../../coordinator/coordinator.js';
import type { OpenRequest } from '../../coordinator/decide/inputs.js';
import { type State, statusOf } from '../../coordinator/decide/state.js';
import { everywhere, type Presence } from '../../coordinator/dispatch/absence.js';
import { foldLog } from '../../coordinator/engine/deciding.js';
import type { Engine } from '../../coordinator/engine.js';
import { silentLog } from '../../coordinator/observe/log.js';
import { memoryQueue } from '../../coordinator/queue/memory.js';
import type { CommandQueue } from '../../coordinator/queue/queue.js';
import { type MemoryDisk, memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import type { Append, LogRow, Store } from '../../coordinator/store/store.js';
import type { Command } from '../../sdk/protocol/commands.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { seededChance } from './chance.js';
import { type ProcessClock, World } from './clock.js';
import { Line, leaseMs, outside, type Seam } from './line.js';
import { Network } from './network.js';
import { Participant } from './participant.js';
import type { StoreFaults } from './store.js';

export const sweepMs = 1000;

/** One coordinator process of a test. */
export interface Process {
  readonly name: string;
  readonly coordinator: Coordinator;
  readonly engine: Engine;
  readonly clock: ProcessClock;
  readonly faults: StoreFaults;
  readonly kill: () => void;
  /** Its timers and its calls stop until it is resumed. */
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Several coordinators over one store, one participant, one wire, one time. */
export class Cluster {
  readonly world = new World();
  readonly ended = new Set<Xid>();
  readonly ghosts: string[] = [];
  readonly participant = new Participant(({ xid, branch, op }) => {
    if (this.ended.has(xid)) this.ghosts.push(`${xid}: ${branch}.${op} took effect after the end`);
  });
  readonly network = new Network(this.world, this.participant);
  readonly processes: Process[] = [];
  /** Rows in the order in which they became durable. */
  readonly won: Append[] = [];
  /** What the store in memory keeps. */
  readonly disk: MemoryDisk;
  /** What the test itself reads through. */
  store: Store;
  /** Commands that are lost on their way to the door out. */
  queueLoses: (command: Command) => boolean = () => false;
  /** Who is there to take commands. */
  presence: Presence = everywhere;
  /** Called at every seam; a test stops the process there. */
  onSeam: (seam: Seam, process: string) => void = () => undefined;
  readonly #chance: Chance;

  readonly #open: (cluster: Cluster) => Promise<Store>;

  /** `open` opens the one store once more, for each process; by default one in memory. */
  constructor(seed = 1, open?: (cluster: Cluster) => Promise<Store>) {
    this.#chance = seededChance(seed);
    this.disk = memoryDisk(this.#chance);
    this.store = memoryStore({ disk: this.disk, time: this.world.database });
    this.#open = open ?? (async ({ disk, world }) => memoryStore({ disk, time: world.database }));
  }

  get chance(): Chance {
    return this.#chance;
  }

  /** Starts a process. `faults` are those of its line to the store. */
  async start(name = `c${this.processes.length + 1}`): Promise<Process> {
    const line = new Line(this, name, outside(this.world, await this.#open(this)));
    const inner = memoryQueue({ clock: line.clock });
    const queue: CommandQueue = {
      ...inner,
      add: (commands) => inner.add(commands.filter((command) => !this.queueLoses(command))),
    };
    const coordinator = await startCoordinator({
      store: line.store,
      transport: line.transport,
      queue,
      presence: this.presence,
      log: silentLog,
      leaseMs,
      sweepMs,
      onBroken: () => undefined,
      clock: line.clock,
      chance: this.#chance,
      host: 'test',
      isAlive: () => true,
    });
    const { engine } = coordinator;
    const { clock, faults } = line;
    const process: Process = {
      name,
      coordinator,
      engine,
      clock,
      faults,
      kill: line.kill,
      pause: line.pause,
      resume: line.resume,
    };
    this.processes.push(process);
    return process;
  }

  newXid(): Xid {
    return this.#chance.uuid() as Xid;
  }

  /** Opens a transaction; resolves with its xid though the answer may never come. */
  open(process: Process, request: { readonly request: OpenRequest }, xid = this.newXid()): Xid {
    process.engine.handle(xid, { type: 'open', request: request.request }).catch(() => undefined);
    return xid;
  }

  rows(xid: Xid): Promise<readonly LogRow[]> {
    return this.store.load(xid);
  }

  /** Commands that were sent, as `branch.op`, in order; of one process or of all. */
  sent(from?: string): string[] {
    const { sent } = this.network;
    return sent
      .filter((each) => !from || each.from === from)
      .map(({ command: { body } }) => `${body.branch}.${body.op}`);
  }

  async state(xid: Xid): Promise<State | undefined> {
    return foldLog(await this.rows(xid));
  }

  async status(xid: Xid): Promise<string> {
    const state = await this.state(xid);
    return state ? statusOf(state) : 'absent';
  }

  /** Moves time on until every one of these is final or parked; false when they are not in time. */
  async finish(xids: readonly Xid[], ms = 120_000): Promise<boolean> {
    const until = this.world.ms + ms;
    let left = xids;
    for (;;) {
      await this.world.settle();
      const states = await Promise.all(left.map((xid) => this.state(xid)));
      left = left.filter((_, index) => states[index] && !states[index].ended && !states[index].parked);
      if (left.length === 0) return true;
      if (this.world.ms >= until) return false;
      await this.world.advance(500);
    }
  }

  noteWon(append: Append): void {
    const { xid, events } = append;
    this.won.push(append);
    if (events.includes('"type":"ended"')) this.ended.add(xid);
  }
}

/** A cluster with so many coordinators, stopped when the test ends. */
export async function clusterOf(
  t: ExecutionContext,
  count: number,
  seed = 1,
): Promise<{ cluster: Cluster; processes: readonly Process[] }> {
  const cluster = new Cluster(seed);
  for (let i = 0; i < count; i++) await cluster.start();
  t.teardown(() => {
    for (const each of cluster.processes) each.kill();
  });
  return { cluster, processes: cluster.processes };
}
