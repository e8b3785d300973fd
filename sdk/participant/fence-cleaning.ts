/** Deletes rows of the fence that nobody can ask for any more, a few at a time. */
import { planted } from '#faults';
import type { FenceTable } from '../resources/fence/table.js';
import type { Clock } from './clock.js';

/** How far the clocks of two machines may be apart. */
export const clockAllowanceMs = 10 * 60_000;

/** A command lives no longer than one call may take (`callMaxMs` of the protocol). */
export const commandLifeMaxMs = 24 * 3600 * 1000;

/** A row outlives every command that it might have to answer, on anybody's clock. */
export const keepMsMin = commandLifeMaxMs + clockAllowanceMs;

export const keepMsDefault = 7 * 24 * 3600 * 1000;

/** One delete holds the writer for some milliseconds; then others have their turn. */
const rowsMax = 500;
const pauseMs = 50;

export interface CleanerOptions {
  readonly clock: Clock;
  readonly log: { warn(fields: Readonly<Record<string, unknown>>, message: string): void };
  readonly keepMs: number;
  readonly tables: () => Iterable<FenceTable>;
}

export interface Cleaner {
  /**
   * Takes the floor (UTC ms) of an origin's store and cleans the rows of that origin once. Never goes beyond it, nor beyond
   * the age that rows are kept for. Rows of another origin have a floor of their own.
   */
  setFloor(utcMs: number, origin: string): void;
  /** Stops and waits for what is under way. */
  close(): Promise<void>;
}

/** Throws RangeError when rows would be kept for less than a command can live. */
export function createCleaner({ clock, log, keepMs, tables }: CleanerOptions): Cleaner {
  if (!(keepMs >= keepMsMin)) throw new RangeError(`keepMs: expected at least ${keepMsMin} ms, got ${keepMs}`);
  let closed = false;
  let wake: (() => void) | undefined;
  let running: Promise<void> | undefined;

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(pauseMs, resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });

  async function clean(floor: number, origin: string): Promise<void> {
    const byAge = clock.now() - keepMs;
    const before = planted('fence-cleans-without-floor') ? byAge : Math.min(byAge, floor - clockAllowanceMs);
    for (const table of tables()) {
      while (!closed && (await table.clean(origin, before, rowsMax)) === rowsMax) await pause();
    }
  }

  return {
    setFloor(utcMs, origin) {
      if (closed || running || !Number.isFinite(utcMs)) return;
      running = clean(utcMs, origin)
        .catch((error: unknown) => log.warn({ error: String(error) }, 'old rows of the fence were not deleted'))
        .finally(() => {
          running = undefined;
        });
    },
    async close() {
      closed = true;
      wake?.();
      await running;
    },
  };
}
