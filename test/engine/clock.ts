import type { Clock } from '../../coordinator/clock.js';
import type { TimeSource } from '../../coordinator/store/time.js';

/** Lets everything that waits for nothing but promises come to rest. */
const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Timer {
  readonly at: number;
  readonly owner: ProcessClock;
  readonly callback: () => void;
}

/** One time for all processes of a test. It stands still until it is moved, from one timer to the next. */
export class World {
  static readonly start = Date.UTC(2030, 0, 1);
  ms = 0;
  #timers = new Set<Timer>();
  /** Work outside of this process's promises: time must not move while there is some. */
  #outside = 0;

  /** The clock of a store's database. */
  readonly database: TimeSource = { wall: () => World.start + this.ms, monotonic: () => this.ms };

  clock(): ProcessClock {
    return new ProcessClock(this);
  }

  /** Counts as going on until it settles; for stores with real I/O. */
  async whileOutside<T>(work: Promise<T>): Promise<T> {
    this.#outside++;
    try {
      return await work;
    } finally {
      this.#outside--;
    }
  }

  async settle(): Promise<void> {
    do await rest();
    while (this.#outside > 0);
  }

  /** Moves time on by so many ms, through every timer on the way. */
  async advance(ms: number): Promise<void> {
    await this.runUntil(() => false, ms);
  }

  /** Moves time on until it holds; false when it does not within so many ms. */
  async runUntil(holds: () => boolean, ms: number): Promise<boolean> {
    const until = this.ms + ms;
    for (;;) {
      await this.settle();
      if (holds()) return true;
      const next = this.#next(until);
      if (!next) break;
      this.#timers.delete(next);
      this.ms = Math.max(this.ms, next.at);
      next.callback();
    }
    this.ms = until;
    return holds();
  }

  add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  #next(until: number): Timer | undefined {
    let found: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.owner.state === 'dead') this.#timers.delete(timer);
      else if (timer.owner.state === 'running' && timer.at <= until && (!found || timer.at < found.at)) found = timer;
    }
    return found;
  }
}

/** The clock of one process: while that is paused its timers wait and time goes on, as under SIGSTOP. */
export class ProcessClock implements Clock {
  state: 'running' | 'paused' | 'dead' = 'running';
  readonly #world: World;
  #offset = 0;

  constructor(world: World) {
    this.#world = world;
  }

  now(): number {
    return Math.floor(World.start + this.#world.ms + this.#offset);
  }

  set(storeNow: number): void {
    this.#offset = storeNow - World.start - this.#world.ms;
  }

  monotonic(): number {
    return this.#world.ms;
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#world.add({ at: this.#world.ms + Math.max(delayMs, 0), owner: this, callback });
  }

  soon(callback: () => void): void {
    this.after(0, callback);
  }
}
