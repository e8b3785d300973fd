import test, { type ExecutionContext } from 'ava';
import { memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import { purgeBatch, purgeFinished } from '../../coordinator/store/purging.js';
import { Retention } from '../../coordinator/store/retention.js';
import type { Store } from '../../coordinator/store/store.js';
import { manualClock } from '../helpers/clock.js';
import { chance, nextAppend, sampleAppend, sampleSummary, xidOf } from './sample.js';

const hourMs = 3600 * 1000;

/** A store whose time is the clock's. */
async function storeAt(t: ExecutionContext, count: number) {
  const clock = manualClock();
  const store = memoryStore({ disk: memoryDisk(chance), time: { wall: clock.now, monotonic: clock.monotonic } });
  t.teardown(() => store.close());
  for (let i = 0; i < count; i++) {
    const openedAt = clock.now();
    const first = sampleAppend(`x${i}`, { summary: sampleSummary({ openedAt }) });
    await store.append(first);
    await store.append(
      nextAppend(first, { summary: sampleSummary({ openedAt, status: 'committed', finishedAt: openedAt }) }),
    );
  }
  return { clock, store };
}

const left = async (store: Store): Promise<number> => (await store.list({ statuses: [], limit: 500 })).items.length;
const turns = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await null;
};

test('H15 E4 what is old goes, then its xid is free again, and each round is a minute apart', async (t) => {
  const { clock, store } = await storeAt(t, 2);
  const onError = (error: unknown): void => t.fail(String(error));
  const retention = new Retention({ store, clock, onError, retentionMs: hourMs, tombstoneMs: hourMs });
  const round = async (): Promise<void> => {
    retention.tend();
    await turns();
  };
  await round();
  t.is(await left(store), 2);
  clock.advance(hourMs + 1);
  await round();
  t.is(await left(store), 0);
  await t.throwsAsync(store.load(xidOf('x0')), { message: /was purged/ });
  clock.advance(hourMs + 1);
  await round();
  t.deepEqual(await store.load(xidOf('x0')), []);
  await retention.stop();
  const next = sampleAppend('late', { summary: sampleSummary({ status: 'committed', openedAt: 0, finishedAt: 1 }) });
  await store.append(next);
  clock.advance(hourMs);
  await round();
  t.is(await left(store), 1);
});

test('without a retention everything is kept', async (t) => {
  const { clock, store } = await storeAt(t, 2);
  const onError = (error: unknown): void => t.fail(String(error));
  const retention = new Retention({ store, clock, onError, retentionMs: null, tombstoneMs: hourMs });
  clock.advance(1000 * hourMs);
  retention.tend();
  await turns();
  t.is(await left(store), 2);
});

test('H15 between two commits the store is left to others for as long as the one took', async (t) => {
  const clock = manualClock();
  const counts = [purgeBatch, purgeBatch, 3];
  let commits = 0;
  const slow = {
    purge: async () => {
      clock.advance(40);
      return counts[commits++] ?? 0;
    },
    dropTombstones: async () => 0,
  };
  const purging = purgeFinished({ store: slow, clock }, 0);
  await turns();
  t.is(commits, 1);
  clock.advance(39);
  await turns();
  t.is(commits, 1);
  clock.advance(1);
  await turns();
  t.is(commits, 2);
  clock.advance(40);
  t.is(await purging, 2 * purgeBatch + 3);
});
