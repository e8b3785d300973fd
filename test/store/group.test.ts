import test from 'ava';
import { counters, Gate } from '../../coordinator/store/gate.js';
import {
  AppendGroups,
  type GroupLimits,
  type GroupWriter,
  groupLimits,
  type Verdict,
} from '../../coordinator/store/group.js';
import type { Append, StoreError } from '../../coordinator/store/store.js';
import { nextAppend, sampleAppend } from './sample.js';

/** A database that takes everything, unless `fail` throws. Keeps the groups it was given. */
function collector(fail: (group: readonly Append[], commits: number) => Verdict | undefined = () => undefined) {
  const groups: string[][] = [];
  const stored = new Set<string>();
  const present = (group: readonly Append[]) =>
    new Set(group.map(({ append }) => append).filter((append) => stored.has(append)));
  const writer: GroupWriter = {
    async commit(group) {
      groups.push(group.map(({ xid, seq }) => `${xid}/${seq}`));
      const verdict = fail(group, groups.length);
      if (verdict) throw Object.assign(new Error(`says ${verdict}`), { verdict });
      for (const { append } of group) stored.add(append);
      return present(group);
    },
    present: async (group) => present(group),
    verdict: (error) => (error as { verdict: Verdict }).verdict,
  };
  return { writer, groups };
}

const over = (writer: GroupWriter, limits: Partial<GroupLimits> = {}): AppendGroups =>
  new AppendGroups(writer, new Gate(), counters(), { ...groupLimits, ...limits });

const all = (groups: AppendGroups, appends: readonly Append[]): Promise<string[]> =>
  Promise.all(appends.map((append) => groups.append(append).catch((error: StoreError) => error.kind)));

const named = (names: string): Append[] => [...names].map((name) => sampleAppend(name));

test('a group is sorted by xid and bounded in count', async (t) => {
  const { writer, groups } = collector();
  await all(over(writer, { countMax: 3 }), named('dbacgfe'));
  t.deepEqual(groups, [['a/1', 'b/1', 'd/1'], ['c/1', 'f/1', 'g/1'], ['e/1']]);
});

test('a group is bounded in bytes, and one append that is larger goes alone', async (t) => {
  const { writer, groups } = collector();
  const sized = (xid: string, bytes: number) => sampleAppend(xid, { events: JSON.stringify(['x'.repeat(bytes - 4)]) });
  await all(over(writer, { bytesMax: 100 }), [sized('a', 60), sized('b', 40), sized('c', 300), sized('d', 10)]);
  t.deepEqual(groups, [['a/1', 'b/1'], ['c/1'], ['d/1']]);
});

test('a transaction is in a group once, and keeps its order over the groups', async (t) => {
  const { writer, groups } = collector();
  const first = sampleAppend('a');
  const second = nextAppend(first);
  await all(over(writer), [first, second, nextAppend(second), sampleAppend('b')]);
  t.deepEqual(groups, [['a/1', 'b/1'], ['a/2'], ['a/3']]);
});

test('many that come back together are taken in two halves, so that one is worked on while the other commits', async (t) => {
  const { writer, groups } = collector();
  const appends = over(writer);
  let round = Array.from({ length: 64 }, (_, index) => sampleAppend(`x${index}`));
  for (let count = 0; count < 3; count++) {
    await all(appends, round);
    round = round.map((append) => nextAppend(append));
  }
  t.deepEqual(
    groups.map((group) => group.length),
    [64, 32, 32, 32, 32],
  );
});

test('H4 a group that meets a lock is tried as often as the bound says', async (t) => {
  const { writer, groups } = collector(() => 'again');
  t.deepEqual(await all(over(writer, { attemptsMax: 3 }), named('a')), ['outage']);
  t.is(groups.length, 3);
});

test('an outage is not tried again at once, and the next group may succeed', async (t) => {
  const { writer, groups } = collector((_, commits) => (commits === 1 ? 'outage' : undefined));
  const appends = over(writer, { countMax: 2 });
  t.deepEqual(await all(appends, named('abc')), ['outage', 'outage', 'won']);
  t.is(groups.length, 2);
});

test('a group that is refused is halved until the one that cannot be stored is alone', async (t) => {
  const { writer, groups } = collector((group) => (group.some(({ xid }) => xid === 'c') ? 'refused' : undefined));
  t.deepEqual(await all(over(writer), named('abcdefgh')), ['won', 'won', 'unstorable', ...Array(5).fill('won')]);
  t.deepEqual(
    groups.map((group) => group.length),
    [8, 4, 2, 2, 1, 1, 4],
  );
});

test('H13 when the store breaks, what waits is turned away without being tried', async (t) => {
  const { writer, groups } = collector(() => 'broken');
  t.deepEqual(await all(over(writer, { countMax: 1 }), named('ab')), ['broken', 'broken']);
  t.is(groups.length, 1);
});
