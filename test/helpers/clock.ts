import type { Clock } from '../../coordinator/clock.js';

/** A clock that stands still until it is moved; what is due is then called in order of time. */
export interface ManualClock extends Clock {
  /** Moves time on by so many ms, through every callback that becomes due on the way. */
  advance(ms: number): void;
  /** Callbacks that are waiting. */
  waiting(): number;
}

export function manualClock(start = Date.UTC(2030, 0, 1)): ManualClock {
  let monotonic = 0;
  let offset = start;
  let count = 0;
  const timers = new Map<number, { at: number; callback: () => void }>();
  const nextDue = (until: number) => {
    let found: { id: number; at: number } | undefined;
    for (const [id, { at }] of timers) if (at <= until && (!found || at < found.at)) found = { id, at };
    return found;
  };
  return {
    now: () => offset + monotonic,
    set(storeNow) {
      offset = storeNow - monotonic;
    },
    monotonic: () => monotonic,
    after(delayMs, callback) {
      const id = ++count;
      timers.set(id, { at: monotonic + Math.max(delayMs, 0), callback });
      return () => timers.delete(id);
    },
    soon: (callback) => void setImmediate(callback),
    advance(ms) {
      const until = monotonic + ms;
      for (let due = nextDue(until); due; due = nextDue(until)) {
        const timer = timers.get(due.id)!;
        timers.delete(due.id);
        monotonic = Math.max(monotonic, due.at);
        timer.callback();
      }
      monotonic = until;
    },
    waiting: () => timers.size,
  };
}
