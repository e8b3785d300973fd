import type { TestFn } from 'ava';
import type { Change, Store } from '../../coordinator/store/store.js';
import { nextAppend, sampleAppend, sampleSummary, xidOf } from '../store/sample.js';
import { type MakeDisk, openFrom, plant } from './disk.js';

/** What every store promises of the order in which appends came. */
export function storeTailContract(test: TestFn, makeDisk: MakeDisk): void {
  test('what came after a position is each transaction once, as it is by now, in the order it came', async (t) => {
    const store = await openFrom(t, makeDisk);
    const nothing = (await store.tail(null, 10))!;
    t.deepEqual(nothing.changes, []);
    t.deepEqual(await store.tail(nothing.position, 10), nothing, 'in an empty store nothing comes');
    const first = sampleAppend('a', { summary: sampleSummary({ reason: 'no \u0000 "é" 💡\u2028', dueAt: 7 }) });
    const last = nextAppend(first, { at: 9_000, summary: sampleSummary({ status: 'committed', finishedAt: 9_000 }) });
    await store.append(first);
    t.like((await store.tail(nothing.position, 10))?.changes, [{ seq: 1, row: { xid: 'a', ...first.summary } }]);
    await store.append(sampleAppend('b', { summary: sampleSummary({ businessKey: 'order-7' }) }));
    await store.append(last);
    const all = (await store.tail(nothing.position, 10))!;
    t.like(all.changes, [
      { seq: 1, at: 1_000, row: { xid: 'b', businessKey: 'order-7', participants: ['payment', 'stock'] } },
      { seq: 2, at: 9_000, row: { xid: 'a', status: 'committed', finishedAt: 9_000 } },
    ]);
    t.is(all.changes.length, 2);
    t.is(all.position, all.changes[1]!.position);
    t.deepEqual(
      all.changes.map(({ row }) => row),
      await Promise.all(['b', 'a'].map((xid) => rowOf(store, xid))),
    );
    t.deepEqual((await store.tail(all.position, 10))?.changes, []);
    t.is((await store.tail(null, 10))?.position, all.position, 'from now on');
  });

  test('a look that goes on from any position misses nothing, however short the stretches are', async (t) => {
    const store = await openFrom(t, makeDisk);
    const from = (await store.tail(null, 1))!.position;
    for (let i = 0; i < 7; i++) await store.append(sampleAppend(`x${i}`, { summary: sampleSummary() }));
    for (const limit of [1, 2, 3, 7, 8]) {
      const seen: Change[] = [];
      for (let position = from, more = true; more; ) {
        const tail = (await store.tail(position, limit))!;
        t.true(tail.changes.length <= limit);
        seen.push(...tail.changes);
        ({ position, more } = tail);
      }
      t.deepEqual(names(seen), ['x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6']);
    }
    const [, second] = (await store.tail(from, 10))!.changes;
    t.deepEqual(names((await store.tail(second!.position, 10))!.changes), ['x2', 'x3', 'x4', 'x5', 'x6']);
  });

  test('a position whose row is gone, or that is of another store, is told as such', async (t) => {
    const store = await openFrom(t, makeDisk);
    const ended = { status: 'committed', finishedAt: 1_000 } as const;
    await store.append(sampleAppend('a', { summary: sampleSummary(ended) }));
    const { position } = (await store.tail(null, 10))!;
    const other = await openFrom(t, makeDisk);
    await other.append(sampleAppend('a', { summary: sampleSummary(ended) }));
    t.is(await other.tail(position, 10), null, 'the same place, another row');
    await store.purge(2_000, 10);
    await store.append(sampleAppend('b', { summary: sampleSummary() }));
    t.is(await store.tail(position, 10), null, 'purged');
    for (const bad of ['', '1', 'x-1', '-1-a', '999-abc', '99999999999999999999-a', '1-" or 1', `1-${'a'.repeat(9)}`])
      t.is(await store.tail(bad, 10), null, bad);
  });

  test('what is purged is not among what came', async (t) => {
    const store = await openFrom(t, makeDisk);
    const from = (await store.tail(null, 1))!.position;
    await store.append(sampleAppend('a', { summary: sampleSummary({ status: 'committed', finishedAt: 1_000 }) }));
    await store.append(sampleAppend('b', { summary: sampleSummary() }));
    await store.purge(2_000, 10);
    t.deepEqual(names((await store.tail(from, 10))!.changes), ['b']);
  });

  test('the rest of a log is read from any of its rows on', async (t) => {
    const store = await openFrom(t, makeDisk);
    let last = sampleAppend('a');
    for (let seq = 1; seq <= 4; seq++, last = nextAppend(last)) await store.append(last);
    for (const after of [0, 1, 3, 4, 9]) {
      const rows = await store.load(xidOf('a'), after);
      t.deepEqual(
        rows.map(({ seq }) => seq),
        [1, 2, 3, 4].filter((seq) => seq > after),
      );
    }
  });

  test('transactions are counted by their status', async (t) => {
    const store = await openFrom(t, makeDisk);
    for (const [xid, status] of Object.entries({ a: 'active', b: 'parked', c: 'active', d: 'committed' } as const))
      await store.append(sampleAppend(xid, { summary: sampleSummary({ status }) }));
    const counted = await store.counts(['active', 'parked', 'committing']);
    t.deepEqual([...counted].sort(), [
      ['active', 2],
      ['parked', 1],
    ]);
    t.deepEqual([...(await store.counts(['committed']))], [['committed', 1]]);
  });

  test.serial('planted stream-trusts-any-position: the check above sees it', async (t) => {
    plant(t, 'stream-trusts-any-position');
    const store = await openFrom(t, makeDisk);
    const other = await openFrom(t, makeDisk);
    await store.append(sampleAppend('a', { summary: sampleSummary() }));
    await other.append(sampleAppend('a', { summary: sampleSummary() }));
    t.truthy(await other.tail((await store.tail(null, 10))!.position, 10));
  });
}

/** Where several stores can be opened over one disk. */
export function sharedTailContract(test: TestFn, makeDisk: MakeDisk): void {
  test('what another store over the same disk appends comes too, and a position holds in both', async (t) => {
    const disk = await makeDisk(t);
    const [one, other] = [await disk.open(), await disk.open()];
    t.teardown(() => Promise.all([one.close(), other.close()]));
    const from = (await one.tail(null, 1))!.position;
    await other.append(sampleAppend('a', { summary: sampleSummary() }));
    await one.append(sampleAppend('b', { summary: sampleSummary() }));
    const [seen] = (await one.tail(from, 10))!.changes;
    t.is(seen?.row.xid, xidOf('a'));
    t.deepEqual(names((await other.tail(seen!.position, 10))!.changes), ['b']);
  });
}

const names = (changes: readonly Change[]): readonly string[] => changes.map(({ row }) => row.xid);

const rowOf = async (store: Store, xid: string) =>
  (await store.list({ statuses: [], limit: 10 })).items.find((row) => row.xid === xid)!;
