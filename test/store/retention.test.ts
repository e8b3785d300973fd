import test, { type ExecutionContext } from 'ava';
import { Retention } from '../../coordinator/retention.js';
import { memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import { purgeFinished } from '../../coordinator/store/purging.js';
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

test('E4 no xid is free while fences may remember it: what is unfinished keeps all that was there since it was opened', async (t) => {
  const { clock, store } = await storeAt(t, 1);
  const onError = (error: unknown): void => t.fail(String(error));
  const retention = new Retention({ store, clock, onError, retentionMs: hourMs, tombstoneMs: hourMs });
  const parked = sampleAppend('parked', { summary: sampleSummary({ openedAt: clock.now(), status: 'parked' }) });
  await store.append(parked);
  for (let round = 0; round < 5; round++) {
    clock.advance(hourMs + 1);
    retention.tend();
    await turns();
  }
  await t.throwsAsync(store.load(xidOf('x0')), { message: /was purged/ });
  const ended = { openedAt: 0, status: 'resolved', finishedAt: clock.now() } as const;
  await store.append(nextAppend(parked, { summary: sampleSummary(ended) }));
  clock.advance(hourMs);
  retention.tend();
  await turns();
  t.deepEqual(await store.load(xidOf('x0')), []);
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

/** Purges what takes so long a commit; `limits`: how many each commit might take, the last of which finds fewer. */
async function purgingAt(tookMs: number, commitsMax: number) {
  const clock = manualClock();
  const limits: number[] = [];
  const slow = {
    purge: async (_before: number, limit: number) => {
      clock.advance(tookMs);
      return limits.push(limit) === commitsMax ? limit - 1 : limit;
    },
    dropTombstones: async () => 0,
    oldestUnfinished: async () => null,
  };
  const purging = purgeFinished({ store: slow, clock }, 0);
  await turns();
  return { clock, limits, purging };
}

test('H15 between two commits the store is left to others for as long as the one took', async (t) => {
  const { clock, limits, purging } = await purgingAt(40, 3);
  t.is(limits.length, 1);
  clock.advance(39);
  await turns();
  t.is(limits.length, 1);
  clock.advance(1);
  await turns();
  t.is(limits.length, 2);
  clock.advance(40);
  t.is(await purging, limits.reduce((sum, limit) => sum + limit, 0) - 1);
});

test('H15 a commit is of fewer where logs are long, and of more where they are not', async (t) => {
  const sizes = async (tookMs: number): Promise<number[]> => {
    const { clock, limits, purging } = await purgingAt(tookMs, 6);
    for (let i = 0; i < 6; i++) {
      clock.advance(tookMs);
      await turns();
    }
    await purging;
    return limits;
  };
  t.deepEqual(await sizes(5), [10, 20, 40, 80, 100, 100]);
  t.deepEqual(await sizes(80), [10, 10, 10, 10, 10, 10]);
  t.deepEqual(await sizes(900), [10, 5, 2, 1, 1, 1]);
});
