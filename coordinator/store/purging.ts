/** Deletes what is finished or old, a small commit at a time, and leaves the store to others for as long as each took. */
import type { Clock } from '../clock.js';
import type { Store } from './store.js';

/** A commit of so many holds the store for some ms; of long logs it is fewer. */
export const purgeBatch = { first: 10, most: 100 };

/** A commit that took longer is followed by one of half as many, and one that took half as long by one of twice as many. */
const commitMs = 100;

export interface Purging {
  readonly store: Pick<Store, 'purge' | 'dropTombstones' | 'oldestUnfinished'>;
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
  /** Asked between commits. */
  readonly isStopped?: () => boolean;
  /** Hears how many are gone by now. */
  readonly onProgress?: (gone: number) => void;
}

/** Deletes what finished before that time, UTC ms. Resolves with how many transactions. */
export const purgeFinished = (purging: Purging, finishedBefore: number): Promise<number> =>
  inBatches(purging, (limit) => purging.store.purge(finishedBefore, limit));

/**
 * Frees the xids of what was purged before that time, UTC ms, and before the oldest unfinished transaction was opened: up
 * to there participants remember what they were asked, and would answer a new transaction of that xid from it. Resolves
 * with how many.
 */
export async function freeXids(purging: Purging, purgedBefore: number): Promise<number> {
  const oldest = (await purging.store.oldestUnfinished()) ?? purgedBefore;
  const before = Math.min(purgedBefore, oldest);
  return inBatches(purging, (limit) => purging.store.dropTombstones(before, limit));
}

async function inBatches(
  { clock, isStopped = () => false, onProgress = () => undefined }: Purging,
  batch: (limit: number) => Promise<number>,
): Promise<number> {
  let limit = purgeBatch.first;
  for (let gone = 0; ; ) {
    if (isStopped()) return gone;
    const begunAt = clock.monotonic();
    const count = await batch(limit);
    const tookMs = clock.monotonic() - begunAt;
    gone += count;
    onProgress(gone);
    if (count < limit) return gone;
    if (tookMs > commitMs) limit = Math.max(1, Math.floor(limit / 2));
    else if (tookMs <= commitMs / 2) limit = Math.min(limit * 2, purgeBatch.most);
    await new Promise<void>((resolve) => void clock.after(tookMs, resolve));
  }
}
