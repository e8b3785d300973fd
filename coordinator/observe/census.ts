import type { TransactionStatus } from '../../sdk/protocol/views.js';
import type { Clock } from '../clock.js';
import type { Store } from '../store/store.js';
import { finishedStatuses, unfinishedStatuses } from './tally.js';

export interface Counted {
  readonly counts: ReadonlyMap<TransactionStatus, number>;
  /** UTC ms. */
  readonly at: number;
}

export interface UnderWay extends Counted {
  /** When the oldest one was opened that is not final, UTC ms. */
  readonly oldest: number | null;
}

type CensusClock = Pick<Clock, 'now' | 'monotonic'>;

const ageMaxMs = 1000;
/** Of the time at most. */
const shareMax = 0.01;

/** Remembers what it counted for a second, and for longer when counting takes long. Who asks meanwhile waits for the same. */
function remembered<T>(count: () => Promise<T>, clock: CensusClock): () => Promise<T> {
  let newest: Promise<T> | undefined;
  let freshUntil = Number.POSITIVE_INFINITY;
  return () => {
    if (newest && clock.monotonic() < freshUntil) return newest;
    const began = clock.monotonic();
    freshUntil = Number.POSITIVE_INFINITY;
    const counting = count().then(
      (counted) => {
        const ended = clock.monotonic();
        freshUntil = ended + Math.max(ageMaxMs, (ended - began) / shareMax);
        return counted;
      },
      (error: unknown) => {
        newest = undefined;
        throw error;
      },
    );
    newest = counting;
    return counting;
  };
}

/**
 * How many transactions there are. What is under way is cheap to count. What is finished is walked over, so it is counted
 * the more seldom the more there is: a million of them cost no more than a few.
 */
export class Census {
  /** Rejects as the store does. */
  readonly underWay: () => Promise<UnderWay>;
  readonly finished: () => Promise<Counted>;

  constructor(store: Pick<Store, 'counts' | 'oldestUnfinished'>, clock: CensusClock) {
    this.underWay = remembered(async () => {
      const at = clock.now();
      const [counts, oldest] = await Promise.all([store.counts(unfinishedStatuses), store.oldestUnfinished()]);
      return { counts, oldest, at };
    }, clock);
    this.finished = remembered(async () => {
      const at = clock.now();
      return { counts: await store.counts(finishedStatuses), at };
    }, clock);
  }
}
