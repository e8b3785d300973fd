/**
 * Time that takes no time. It stands still while something real is under way (a query, code of the saga) and else jumps to
 * the next moment at which somebody wants to be called, so that deadlines and pauses of hours pass at once.
 */
import type { Clock } from '../../coordinator/embed/stage.js';

/** As they were at first: a test runner may put its own in their place later. */
const { setImmediate: soon, setTimeout: later, clearTimeout: cancel } = globalThis;

/** Why the time came to a halt. */
export type Halt =
  | 'over'
  /** Something real does not come back. */
  | 'stuck'
  /** Nobody waits for anything any more. */
  | 'nothing left'
  /** It went on for longer than anybody waits. */
  | 'too long';

const beginsAt = Date.UTC(2030, 0, 1);

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

export class RehearsedTime {
  #passedMs = 0;
  #count = 0;
  readonly #timers = new Map<number, Timer>();
  #busy = 0;
  #wake: (() => void) | undefined;
  /** Real ms after which something real counts as stuck. */
  readonly #stuckMs: number;
  #stuck = false;

  constructor(stuckMs: number) {
    this.#stuckMs = stuckMs;
  }

  get passedMs(): number {
    return this.#passedMs;
  }

  /** Something real begins. Returns what says that it ended. */
  enter(): () => void {
    this.#busy++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#busy--;
      this.#wake?.();
    };
  }

  /** The clock of one process, and what stops it for good. */
  process(): { readonly clock: Clock; readonly kill: () => void } {
    const own = new Set<number>();
    let dead = false;
    const clock: Clock = {
      now: () => Math.floor(beginsAt + this.#passedMs),
      set: () => undefined,
      monotonic: () => this.#passedMs,
      after: (delayMs, callback) => {
        if (dead) return () => undefined;
        const id = this.#add(delayMs, () => {
          own.delete(id);
          callback();
        });
        own.add(id);
        return () => {
          own.delete(id);
          this.#timers.delete(id);
        };
      },
      soon: (callback) => void soon(() => (dead ? undefined : callback())),
    };
    const kill = (): void => {
      dead = true;
      for (const id of own) this.#timers.delete(id);
    };
    return { clock, kill };
  }

  /** Lets time pass until `isOver`, at most `limitMs` of it. */
  async pass(isOver: () => boolean, limitMs: number): Promise<Halt> {
    const endsAt = this.#passedMs + limitMs;
    for (;;) {
      await turn();
      if (this.#busy > 0 && !this.#stuck) {
        if (!(await this.#isIdleInTime())) return 'stuck';
        continue;
      }
      await turn();
      if (this.#busy > 0 && !this.#stuck) continue;
      if (isOver()) return 'over';
      const next = this.#next();
      if (next === undefined) return 'nothing left';
      if (next.timer.at > endsAt) return 'too long';
      this.#timers.delete(next.id);
      this.#passedMs = Math.max(this.#passedMs, next.timer.at);
      next.timer.callback();
    }
  }

  #add(delayMs: number, callback: () => void): number {
    const id = ++this.#count;
    this.#timers.set(id, { at: this.#passedMs + Math.max(0, delayMs), callback });
    return id;
  }

  #next(): { readonly id: number; readonly timer: Timer } | undefined {
    let found: { readonly id: number; readonly timer: Timer } | undefined;
    for (const [id, timer] of this.#timers) if (!found || timer.at < found.timer.at) found = { id, timer };
    return found;
  }

  /** False when it is stuck: from then on time passes without it. */
  async #isIdleInTime(): Promise<boolean> {
    this.#stuck = await new Promise<boolean>((resolve) => {
      const timer = later(() => resolve(true), this.#stuckMs);
      this.#wake = () => {
        cancel(timer);
        resolve(false);
      };
    });
    this.#wake = undefined;
    return !this.#stuck;
  }
}

/** Everything that is ready to run runs before this resolves. */
const turn = (): Promise<void> => new Promise((resolve) => soon(resolve));

/** Starts to count; returns how many real ms have passed since. */
export function stopwatch(): () => number {
  const began = performance.now();
  return () => Math.round(performance.now() - began);
}
