import type { Clock } from './clock.js';

/**
 * What time it is for a coordinator. Expiries are by its clock, which may be far from this machine's, even on one machine:
 * it goes on evenly where a wall clock jumps. Heard with every registration, and not read off the commands: one that was
 * held up on its way would pass for a fresh one.
 */
export interface CoordinatorTime {
  /** `utcMs` is what it was at `origin` when it answered; `askedAt` is this process's monotonic time when it was asked. */
  heard(origin: string, utcMs: number, askedAt: number): void;
  /** A time of the coordinator by this machine's clock, at most a second too late; as it is while nothing was heard. */
  toLocal(origin: string, utcMs: number): number;
}

/** So long an answer may have taken: its time is too old by that. */
const roundTripMaxMs = 1000;

interface Sample {
  readonly utcMs: number;
  /** This machine's clocks at that time. */
  readonly wall: number;
  readonly monotonic: number;
}

export function coordinatorTime(clock: Clock): CoordinatorTime {
  const samples = new Map<string, Sample>();
  return {
    heard(origin, utcMs, askedAt) {
      const monotonic = clock.monotonic();
      if (Number.isNaN(utcMs) || monotonic - askedAt > roundTripMaxMs) return;
      samples.set(origin, { utcMs, wall: clock.now(), monotonic });
    },
    toLocal(origin, utcMs) {
      const sample = samples.get(origin);
      if (!sample) return utcMs;
      const now = clock.now();
      // Monotonic time stands still while a machine sleeps. After a jump of the wall clock commands are dropped until the
      // next registration, rather than begun too late.
      const elapsedMs = Math.max(clock.monotonic() - sample.monotonic, now - sample.wall);
      return Math.round(now + utcMs - (sample.utcMs + elapsedMs));
    },
  };
}
