/** Code of users that runs for real, and at times waits for what only time brings: the saga, and each run of a handler. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { RehearsedTime } from './time.js';

export class Worker {
  readonly #time: RehearsedTime;
  #leave: () => void;
  #waits = 0;
  #isOver = false;

  /** It is at work from now on: time stands still. */
  constructor(time: RehearsedTime) {
    this.#time = time;
    this.#leave = time.enter();
  }

  /** It waits, so time may pass. Returns what ends that. */
  wait(): () => void {
    if (this.#waits++ === 0) this.#leave();
    let over = false;
    return () => {
      if (over) return;
      over = true;
      if (--this.#waits === 0 && !this.#isOver) this.#leave = this.#time.enter();
    };
  }

  /** For good. */
  end(): void {
    this.#isOver = true;
    this.#leave();
  }
}

/** Whose code it is that runs. */
export const workers = new AsyncLocalStorage<Worker>();
