import test from 'ava';
import { Feed, type Watcher } from '../../coordinator/observe/feed.js';
import { type Log, silentLog } from '../../coordinator/observe/log.js';
import { memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import { type Store, StoreError } from '../../coordinator/store/store.js';
import { manualClock } from '../helpers/clock.js';
import { chance, nextAppend, sampleAppend, sampleSummary } from '../store/sample.js';

/** A feed on a store, whose clock a test moves. */
function start(change: (store: Store) => Store = (same) => same, log: Log = silentLog) {
  const store = memoryStore({ disk: memoryDisk(chance) });
  const clock = manualClock();
  const feed = new Feed({ store: change(store), clock, log });
  return {
    store,
    feed,
    clock,
    open: (xid: string) => store.append(sampleAppend(xid, { summary: sampleSummary() })),
    /** Lets one look happen. */
    look: async () => {
      await feed.here();
      clock.advance(1000);
      await feed.here();
    },
  };
}

/** Notes what it is told, one word each. */
function noting(): Watcher & { readonly told: string[]; readonly positions: string[] } {
  const told: string[] = [];
  const positions: string[] = [];
  return {
    told,
    positions,
    changed(changes) {
      told.push(...changes.map(({ row }) => row.xid));
      positions.push(...changes.map(({ position }) => position));
    },
    missed: () => void told.push('missed'),
    failed: () => void told.push('failed'),
  };
}

test('several changes of one transaction between two looks are one', async (t) => {
  const { store, feed, look } = start();
  const watcher = noting();
  feed.watch(watcher, await feed.here());
  await look();
  const first = sampleAppend('x1', { summary: sampleSummary() });
  await store.append(first);
  await store.append(nextAppend(first));
  await look();
  t.deepEqual(watcher.told, ['x1']);
});

test('one look serves all who watch, and there is none without them', async (t) => {
  let looks = 0;
  const { feed, look, open, clock } = start((store) => ({
    ...store,
    tail: (after, limit) => {
      looks += after === null ? 0 : 1;
      return store.tail(after, limit);
    },
  }));
  const watchers = Array.from({ length: 20 }, noting);
  const here = await feed.here();
  const leave = watchers.map((watcher) => feed.watch(watcher, here));
  await look();
  looks = 0;
  await open('x1');
  await look();
  t.is(looks, 1);
  for (const watcher of watchers) t.deepEqual(watcher.told, ['x1']);
  for (const each of leave) each();
  t.is(clock.waiting(), 0);
});

test('who joins late catches up first, and is told nothing twice by the others', async (t) => {
  const { feed, look, open } = start();
  const [early, late] = [noting(), noting()];
  const begin = await feed.here();
  feed.watch(early, begin);
  for (const xid of ['x1', 'x2', 'x3']) await open(xid);
  await look();
  feed.watch(late, begin);
  await look();
  t.deepEqual(late.told, ['x1', 'x2', 'x3']);
  await open('x4');
  await look();
  t.deepEqual(late.told, ['x1', 'x2', 'x3', 'x4']);
  t.deepEqual(early.told, late.told);
});

test('who was away for too long is told to begin anew, and goes on from there', async (t) => {
  const { feed, look, open } = start();
  const begin = await feed.here();
  for (let i = 0; i < 10_001; i++) await open(`x${i}`);
  const watcher = noting();
  feed.watch(watcher, begin);
  await look();
  t.is(watcher.told.at(-1), 'missed');
  await open('later');
  await look();
  t.is(watcher.told.at(-1), 'later');
});

test('a purge under the feet of those who watch is told, and they go on', async (t) => {
  const { store, feed, look, open } = start();
  await store.append(sampleAppend('x1', { summary: sampleSummary({ status: 'committed', finishedAt: 1_000 }) }));
  const watcher = noting();
  feed.watch(watcher, await feed.here());
  await look();
  await store.purge(2_000, 10);
  await look();
  await open('x2');
  await look();
  t.deepEqual(watcher.told, ['missed', 'x2']);
});

test('while the store is away nothing is lost: what came is told when it is back', async (t) => {
  let isUp = true;
  const lines: string[] = [];
  const log: Log = { ...silentLog, warn: (_, message) => void lines.push(message) };
  const { feed, look, open } = start(
    (store) => ({
      ...store,
      tail: (after, limit) => (isUp ? store.tail(after, limit) : Promise.reject(new StoreError('outage', 'away'))),
    }),
    log,
  );
  const watcher = noting();
  const here = await feed.here();
  feed.watch(watcher, here);
  await look();
  isUp = false;
  await open('x1');
  await look();
  const other = noting();
  feed.watch(other, '1-deadbeef');
  await look();
  t.deepEqual(other.told, ['failed'], 'who could not join comes back later');
  t.true(lines.length > 0);
  isUp = true;
  await look();
  t.deepEqual(watcher.told, ['x1']);
});
