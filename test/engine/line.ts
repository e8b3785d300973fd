import type { Transport } from '../../coordinator/dispatch/transport.js';
import type { Append, Store } from '../../coordinator/store/store.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { never } from '../helpers/never.js';
import type { ProcessClock, World } from './clock.js';
import { noFaults, storeBehind } from './store.js';

export const leaseMs = 10_000;

/** A place where a process can be stopped: around each append, send and reply. */
export type Seam = 'before append' | 'after append' | 'before send' | 'after send' | 'before reply' | 'after reply';

/** What all processes of a test share. */
export interface Surroundings {
  readonly world: World;
  readonly network: {
    door(from: string, clock: ProcessClock, onSend: () => void): Transport;
    /** What must never be seen on the wire. */
    readonly violations: string[];
  };
  onSeam: (seam: Seam, process: string) => void;
  noteWon: (append: Append) => void;
}

/** What a process has to do with the outside; cut when it is killed, held while it is paused. */
export class Line {
  readonly faults = noFaults();
  readonly clock: ProcessClock;
  readonly store: Store;
  readonly transport: Transport;
  /** By its own time: from then on it may believe for a term that it has a lease. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  readonly #termMs: number;
  #resumed: Promise<void> = Promise.resolve();
  #resume: () => void = () => undefined;

  constructor(around: Surroundings, name: string, opened: Store, termMs = leaseMs) {
    this.#termMs = termMs;
    this.clock = around.world.clock();
    const seam = (where: Seam) => this.clock.state === 'running' && around.onSeam(where, name);
    const behind = storeBehind(opened, this.faults, (append) => around.noteWon(append));
    this.store = this.#guard(behind, seam);
    const { network, world } = around;
    const door = around.network.door(name, this.clock, () => seam('after send'));
    this.transport = {
      send: async (command: Command) => {
        if (world.ms - this.#renewedAt >= this.#termMs)
          network.violations.push(`G3 ${name} sends without a lease at ${world.ms}`);
        seam('before send');
        if (!this.#isHere) await this.#here();
        const reply = await door.send(command);
        seam('before reply');
        if (!this.#isHere) await this.#here();
        return reply;
      },
      close: () => door.close(),
    };
  }

  readonly kill = (): void => {
    this.clock.state = 'dead';
  };

  readonly pause = (): void => {
    this.clock.state = 'paused';
    this.#resumed = new Promise((resolve) => {
      this.#resume = resolve;
    });
  };

  readonly resume = (): void => {
    this.clock.state = 'running';
    this.#resume();
  };

  get #isHere(): boolean {
    return this.clock.state === 'running';
  }

  /** Goes on while the process runs, later while it is paused, and never once it is dead. */
  async #here(): Promise<void> {
    if (this.clock.state === 'paused') await this.#resumed;
    if (this.clock.state === 'dead') await never();
  }

  #guard(store: Store, seam: (where: Seam) => void): Store {
    const pass = <T>(answer: T): T | Promise<T> => (this.#isHere ? answer : this.#here().then(() => answer));
    const fail = async (error: unknown): Promise<never> => {
      await this.#here();
      throw error;
    };
    // Not async functions: there are many of these calls, and each would cost some promises more.
    const guarded = <T>(work: () => Promise<T>): Promise<T> =>
      (this.#isHere ? work() : this.#here().then(work)).then(pass<T>, fail);
    return {
      ...store,
      append: async (append) => {
        seam('before append');
        const answer = await guarded(() => store.append(append));
        seam('after append');
        return pass(answer);
      },
      load: (xid) => guarded(() => store.load(xid)),
      due: (owner, now, limit, since) => guarded(() => store.due(owner, now, limit, since)),
      owned: (owner, after, limit) => guarded(() => store.owned(owner, after, limit)),
      owners: () => guarded(() => store.owners()),
      renewLease: async (lease) => {
        const before = this.clock.monotonic();
        const renewedAt = await guarded(() => store.renewLease(lease));
        this.#renewedAt = before;
        return renewedAt;
      },
      dropLease: (id) => guarded(() => store.dropLease(id)),
      leases: () => guarded(() => store.leases()),
      now: () => guarded(() => store.now()),
    };
  }
}

/** A store with real I/O: the world's time stands still while it works. */
export function outside(world: World, store: Store): Store {
  return {
    ...store,
    append: (append) => world.whileOutside(store.append(append)),
    load: (xid) => world.whileOutside(store.load(xid)),
    due: (owner, now, limit, since) => world.whileOutside(store.due(owner, now, limit, since)),
    owned: (owner, after, limit) => world.whileOutside(store.owned(owner, after, limit)),
    owners: () => world.whileOutside(store.owners()),
    renewLease: (lease) => world.whileOutside(store.renewLease(lease)),
    participants: () => world.whileOutside(store.participants()),
    now: () => world.whileOutside(store.now()),
  };
}
