import type { Clock } from '../clock.js';

/** So late a deadline may be. */
const coarseMs = 50;

/**
 * Deadlines of many calls, almost all of which end long before. Those that fall due together share a timer: one of its own
 * would cost more than a call that does nothing.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #due = new Map<number, { readonly callbacks: Set<() => void>; readonly cancel: () => void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls back once after `delayMs`, or up to 50 ms later. Returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void {
    const now = this.#clock.monotonic();
    const slot = Math.ceil((now + delayMs) / coarseMs);
    const { callbacks } = this.#due.get(slot) ?? this.#open(slot, slot * coarseMs - now);
    callbacks.add(callback);
    return () => callbacks.delete(callback);
  }

  /** Forgets all of them: a timer that has nobody left would keep the process. */
  close(): void {
    for (const { cancel } of this.#due.values()) cancel();
    this.#due.clear();
  }

  #open(slot: number, delayMs: number): { readonly callbacks: Set<() => void> } {
    const callbacks = new Set<() => void>();
    const cancel = this.#clock.after(delayMs, () => {
      this.#due.delete(slot);
      for (const callback of callbacks) callback();
    });
    const opened = { callbacks, cancel };
    this.#due.set(slot, opened);
    return opened;
  }
}
