import type { RehearsedTime } from './time.js';
import { workers } from './worker.js';

/** The time of the case that goes on, for handlers and sagas that note it or let it pass. */
export interface CaseTime {
  /** UTC ms. */
  now(): number;
  /** Resolves when so many ms have passed in the case, which takes none. For sagas and handlers; rejects elsewhere. */
  sleep(ms: number): Promise<void>;
}

/** The same as seen by what outlives a case: the fence of a database, and services that are made once. */
export class Present implements CaseTime {
  #time: RehearsedTime | undefined;

  begin(time: RehearsedTime): void {
    this.#time = time;
  }

  monotonic(): number {
    return this.#time?.passedMs ?? 0;
  }

  now(): number {
    return this.#at().process().clock.now();
  }

  async sleep(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`sleep: expected ms from 0, got ${ms}`);
    const worker = workers.getStore();
    if (!worker) throw new Error('sleep: expected to be called by a saga or a handler while it runs');
    const { clock } = this.#at().process();
    const wake = worker.wait();
    await new Promise<void>((resolve) => clock.after(ms, resolve));
    wake();
  }

  #at(): RehearsedTime {
    if (this.#time) return this.#time;
    throw new Error('time: expected to be asked by a saga or a handler while a case goes on');
  }
}
