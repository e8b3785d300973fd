/** Deletes what is finished or old, a small commit at a time, and leaves the store to others for as long as each took. */
import type { Clock } from '../clock.js';
import type { Store } from './store.js';

/** A commit of so many holds the store for some ms. */
export const purgeBatch = 100;

export interface Purging {
  readonly store: Pick<Store, 'purge' | 'dropTombstones'>;
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
  /** Asked between commits. */
  readonly isStopped?: () => boolean;
  /** Hears how many are gone by now. */
  readonly onProgress?: (gone: number) => void;
}

/** Deletes what finished before that time, UTC ms. Resolves with how many transactions. */
export const purgeFinished = (purging: Purging, finishedBefore: number): Promise<number> =>
  inBatches(purging, () => purging.store.purge(finishedBefore, purgeBatch));

/** Frees the xids of what was purged before that time, UTC ms. Resolves with how many. */
export const freeXids = (purging: Purging, purgedBefore: number): Promise<number> =>
  inBatches(purging, () => purging.store.dropTombstones(purgedBefore, purgeBatch));

async function inBatches(
  { clock, isStopped = () => false, onProgress = () => undefined }: Purging,
  batch: () => Promise<number>,
): Promise<number> {
  for (let gone = 0; ; ) {
    if (isStopped()) return gone;
    const begunAt = clock.monotonic();
    const count = await batch();
    gone += count;
    onProgress(gone);
    if (count < purgeBatch) return gone;
    await new Promise<void>((resolve) => void clock.after(clock.monotonic() - begunAt, resolve));
  }
}
