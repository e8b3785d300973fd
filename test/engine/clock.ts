import type { Clock } from '../../coordinator/clock.js';
import type { TimeSource } from '../../coordinator/store/time.js';
import { type Timer, Timers } from './timers.js';

/** Lets everything that waits for nothing but promises come to rest: a tick comes after all of them, without a turn of the loop. */
const rest = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** A turn of the loop, in which what is outside may answer. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One time for all processes of a test. It stands still until it is moved, from one timer to the next. */
export class World {
  static readonly start = Date.UTC(2030, 0, 1);
  ms = 0;
  /** How far the clock of the store's database was moved. */
  databaseOffset = 0;
  readonly #timers = new Timers();
  /** Work outside of this process's promises: time must not move while there is some. */
  #outside = 0;

  /** The clock of a store's database. */
  readonly database: TimeSource = {
    wall: () => World.start + this.ms + this.databaseOffset,
    monotonic: () => this.ms + this.databaseOffset,
  };

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
    await rest();
    while (this.#outside > 0) {
      await turn();
      await rest();
    }
  }

  /** Moves time on by so many ms, through every timer on the way. */
  async advance(ms: number): Promise<void> {
    await this.runUntil(() => false, ms);
  }

  /** Moves time on until it holds; false when it does not within so many ms. */
  async runUntil(holds: () => boolean, ms: number): Promise<boolean> {
    const until = this.ms + ms;
    for (;;) {
      await rest();
      if (this.#outside > 0) await this.settle();
      if (holds()) return true;
      const next = this.#timers.take(until);
      if (!next) break;
      this.ms = Math.max(this.ms, next.at);
      next.callback?.();
    }
    this.ms = until;
    return holds();
  }

  add(at: number, owner: ProcessClock, callback: () => void): () => void {
    return this.#timers.add(at, owner, callback);
  }

  putBack(timers: readonly Timer[]): void {
    for (const timer of timers) this.#timers.push(timer);
  }
}

/** The clock of one process: while that is paused its timers wait and time goes on, as under SIGSTOP. */
export class ProcessClock implements Clock {
  readonly #world: World;
  #offset = 0;
  #state: 'running' | 'paused' | 'dead' = 'running';
  /** Timers that came due while it was paused. */
  #held: Timer[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get state(): 'running' | 'paused' | 'dead' {
    return this.#state;
  }

  set state(state: 'running' | 'paused' | 'dead') {
    this.#state = state;
    if (state === 'running') this.#world.putBack(this.#held);
    if (state !== 'paused') this.#held = [];
  }

  hold(timer: Timer): void {
    this.#held.push(timer);
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
    return this.#world.add(this.#world.ms + Math.max(delayMs, 0), this, callback);
  }

  soon(callback: () => void): void {
    this.after(0, callback);
  }
}
