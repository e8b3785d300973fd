import type { ExecutionContext, TestFn } from 'ava';
import fc from 'fast-check';
import type { Append, Store, StoreError } from '../../coordinator/store/store.js';
import { isFinal, type TransactionStatus, transactionStatuses } from '../../sdk/protocol/views.js';
import { nextAppend, sampleAppend, sampleSummary, xidOf } from '../store/sample.js';
import { type MakeDisk, openFrom, plant } from './disk.js';

/** What every store promises of purging. */
export function storePurgeContract(test: TestFn, makeDisk: MakeDisk): void {
  test('H16 a purge takes nothing but what is finished, and finished before the time, oldest first', async (t) => {
    t.deepEqual(await whatIsLostWrongly(t, await openFrom(t, makeDisk)), []);
  });

  test.serial('planted purge-unfinished: the property above sees it', async (t) => {
    plant(t, 'purge-unfinished');
    t.not((await whatIsLostWrongly(t, await openFrom(t, makeDisk))).length, 0);
  });

  test('E4 the xid of what was purged stays taken, for whoever opens it and for whoever was late', async (t) => {
    t.is(await secondEffects(await openFrom(t, makeDisk)), 0);
  });

  test.serial('planted purge-without-tombstones: the check above sees it', async (t) => {
    plant(t, 'purge-without-tombstones');
    t.not(await secondEffects(await openFrom(t, makeDisk)), 0);
  });

  test('E4 what was purged says so, and is in no list', async (t) => {
    const store = await openFrom(t, makeDisk);
    await finish(store, 'x1', { openedAt: 1000, finishedAt: 2000 });
    t.is(await store.purgeable(3000), 1);
    t.is(await store.purge(3000, 10), 1);
    t.is(await store.purgeable(3000), 0);
    const error = await t.throwsAsync<StoreError>(store.load(xidOf('x1')));
    t.is(error?.kind, 'purged');
    t.regex(error?.message ?? '', /transaction x1 finished and was purged on 20\d\d-.*Z; use a new xid/);
    t.deepEqual((await store.list({ statuses: [], limit: 10 })).items, []);
  });

  test('E4 an xid is free again once its tombstone is old', async (t) => {
    const store = await openFrom(t, makeDisk);
    for (const name of ['x1', 'x2', 'x3']) await finish(store, name, { openedAt: 1000, finishedAt: 2000 });
    await finish(store, 'kept', { openedAt: 1000, finishedAt: 9000 });
    await store.purge(3000, 10);
    const now = await store.now();
    t.is(await store.dropTombstones(now - 60_000, 10), 0);
    t.is(await store.dropTombstones(now + 60_000, 2), 2);
    t.is(await store.dropTombstones(now + 60_000, 2), 1);
    t.is(await store.dropTombstones(now + 60_000, 2), 0);
    t.is(await store.append(sampleAppend('x1')), 'won');
    t.is((await store.load(xidOf('kept'))).length, 2);
  });

  test('H15 a purge takes no more in one commit than it is told', async (t) => {
    t.deepEqual(await commitsOf(await openFrom(t, makeDisk)), [2, 2, 1, 0]);
  });

  test.serial('planted purge-in-one-go: the check above sees it', async (t) => {
    plant(t, 'purge-in-one-go');
    t.deepEqual(await commitsOf(await openFrom(t, makeDisk)), [5, 0, 0, 0]);
  });
}

async function commitsOf(store: Store): Promise<readonly number[]> {
  for (let i = 0; i < 5; i++) await finish(store, `x${i}`, { openedAt: 1000 + i, finishedAt: 2000 });
  const counts: number[] = [];
  for (let i = 0; i < 4; i++) counts.push(await store.purge(3000, 2));
  return counts;
}

/** How many appends got in where a transaction was purged. */
async function secondEffects(store: Store): Promise<number> {
  const last = await finish(store, 'x1', { openedAt: 1000, finishedAt: 2000 });
  await store.purge(3000, 10);
  const again = [sampleAppend('x1', { summary: sampleSummary() }), nextAppend(last), nextAppend(sampleAppend('x1'))];
  const answers = await Promise.all(again.map((append) => store.append(append)));
  return answers.filter((answer) => answer === 'won').length;
}

interface Times {
  readonly openedAt: number;
  readonly finishedAt: number;
}

async function finish(store: Store, name: string, times: Times, status: TransactionStatus = 'committed') {
  const first = sampleAppend(name, { summary: sampleSummary({ openedAt: times.openedAt }) });
  await store.append(first);
  return end(store, first, { ...times, status });
}

async function end(
  store: Store,
  first: Append,
  { openedAt, finishedAt, status }: Times & { status: TransactionStatus },
) {
  const last = nextAppend(first, {
    events: '[{"type":"ended"}]',
    summary: sampleSummary({ openedAt, status, finishedAt: isFinal(status) ? finishedAt : null }),
  });
  await store.append(last);
  return last;
}

const life = fc.record({
  status: fc.constantFrom(...transactionStatuses),
  openedAt: fc.integer({ min: 0, max: 100 }),
  tookMs: fc.integer({ min: 0, max: 100 }),
});

/** Purges transactions of every status and age, and names what is gone and should not be, or stayed and should not. */
async function whatIsLostWrongly(t: ExecutionContext, store: Store): Promise<readonly string[]> {
  const wrong: string[] = [];
  let run = 0;
  const property = async (
    lives: readonly (typeof life extends fc.Arbitrary<infer T> ? T : never)[],
    before: number,
  ) => {
    const prefix = `r${run++}-`;
    const named = lives.map((each, index) => ({ ...each, name: `${prefix}${index}` }));
    for (const { name, status, openedAt, tookMs } of named)
      await finish(store, name, { openedAt, finishedAt: openedAt + tookMs }, status);
    while ((await store.purge(before, 3)) > 0);
    for (const { name, status, openedAt, tookMs } of named) {
      const isGone = await store.load(xidOf(name)).then(
        () => false,
        (error: StoreError) => error.kind === 'purged',
      );
      const isDue = isFinal(status) && openedAt + tookMs < before;
      if (isGone !== isDue) wrong.push(`${status} of ${openedAt}+${tookMs} before ${before}: gone ${isGone}`);
    }
  };
  const arbitrary = fc.asyncProperty(fc.array(life, { maxLength: 12 }), fc.integer({ min: 0, max: 220 }), property);
  await fc.assert(arbitrary, { numRuns: 25 });
  t.log(`${run} runs`);
  return wrong;
}
