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

test('a group of sixteen is the first that counts as many', async (t) => {
  const sizes = async (first: number) => {
    const many = (count: number, name: string) =>
      Array.from({ length: count }, (_, index) => sampleAppend(`${name}${index}`));
    let later: Promise<unknown> | undefined;
    const { writer, groups } = collector((_, commits) => {
      if (commits === 1) later = all(appends, many(48, 'b'));
      return undefined;
    });
    const appends = over(writer);
    await all(appends, many(first, 'a'));
    await later;
    return groups.map((group) => group.length);
  };
  t.deepEqual(await sizes(15), [15, 48]);
  t.deepEqual(await sizes(16), [16, 32, 16]);
});

test('H4 a group that meets a lock is tried as often as the bound says', async (t) => {
  const { writer, groups } = collector(() => 'again');
  t.deepEqual(await all(over(writer, { attemptsMax: 3 }), named('a')), ['outage']);
  t.is(groups.length, 3);
});

test('H1 when the looking up fails too, what the commit failed of is told, unless the store broke since', async (t) => {
  const told = async (second: Verdict) => {
    const { writer } = collector(() => 'outage');
    const present = () => Promise.reject(Object.assign(new Error(`says ${second}`), { verdict: second }));
    const errors: StoreError[] = [];
    await over({ ...writer, present })
      .append(sampleAppend('a'))
      .catch((error: StoreError) => errors.push(error));
    return `${errors[0]?.kind}: ${errors[0]?.message}`;
  };
  t.is(await told('outage'), 'outage: the store did not take an append: says outage');
  t.is(await told('refused'), 'outage: the store did not take an append: says outage');
  t.is(await told('broken'), 'broken: the store can no longer be trusted, end this process: says broken');
});

test('H13 what a commit left there that broke the store, or was refused, is not taken for won', async (t) => {
  for (const [verdict, answer] of [
    ['broken', 'broken'],
    ['refused', 'unstorable'],
  ] as const) {
    const { writer } = collector();
    const failing: GroupWriter = {
      ...writer,
      commit: async (group) => {
        await writer.commit(group);
        throw Object.assign(new Error('no'), { verdict });
      },
    };
    t.deepEqual(await all(over(failing), named('a')), [answer]);
  }
});

test('H1 what is found to be there, though its answer got lost, is not committed again', async (t) => {
  const { writer, groups } = collector();
  const losing: GroupWriter = {
    ...writer,
    commit: async (group) => {
      await writer.commit(group);
      throw Object.assign(new Error('lost'), { verdict: 'again' });
    },
  };
  t.deepEqual(await all(over(losing), named('ab')), ['won', 'won']);
  t.is(groups.length, 1);
});

test('H1 what is there is answered as won, though others of its group are not', async (t) => {
  const [a, b] = [sampleAppend('a'), sampleAppend('b')];
  const { writer } = collector(() => 'outage');
  const half: GroupWriter = { ...writer, present: async () => new Set([b.append]) };
  t.deepEqual(await all(over(half), [a, b]), ['outage', 'won']);
});

test('whatever the database throws is told', async (t) => {
  const { writer } = collector();
  const throwing: GroupWriter = { ...writer, commit: () => Promise.reject('no database'), verdict: () => 'refused' };
  await t.throwsAsync(over(throwing).append(sampleAppend('a')), {
    message: 'the store refuses a seq 1: no database',
  });
});

test('an append is measured in bytes, and one that has exactly as many as are allowed goes in', async (t) => {
  const { writer, groups } = collector();
  const appends = over(writer, { appendBytesMax: 12 });
  const sized = (events: string) => sampleAppend('a', { events });
  const answers = await all(appends, [sized('x'.repeat(12)), sized('éééééé'), sized('x'.repeat(13)), sized('éééééé1')]);
  t.deepEqual(answers, ['won', 'won', 'unstorable', 'unstorable']);
  t.is(groups.length, 2);
  await t.throwsAsync(appends.append(sized('éééééé1')), {
    message: 'expected at most 12 bytes of events in one append, got 13 (a seq 1)',
  });
});

test('a group may be full to the byte', async (t) => {
  const { writer, groups } = collector();
  const sized = (xid: string) => sampleAppend(xid, { events: JSON.stringify(['x'.repeat(46)]) });
  await all(over(writer, { bytesMax: 100 }), [sized('a'), sized('b'), sized('c')]);
  t.deepEqual(groups, [['a/1', 'b/1'], ['c/1']]);
});

test('nobody waits once nothing is in flight, and a shut gate lets nothing in', async (t) => {
  const gate = new Gate();
  const { writer, groups } = collector();
  const appends = new AppendGroups(writer, gate, counters(), groupLimits);
  await appends.idle();
  const sent = appends.append(sampleAppend('a'));
  await appends.idle();
  t.is(groups.length, 1);
  t.is(await sent, 'won');
  gate.close();
  t.deepEqual(await all(appends, named('b')), ['closed']);
  t.is(groups.length, 1);
});

test('groups and appends are counted', async (t) => {
  const { writer } = collector((group) => (group.some(({ xid }) => xid === 'b') ? 'refused' : undefined));
  const count = counters();
  await all(new AppendGroups(writer, new Gate(), count, groupLimits), named('ab'));
  t.like(count, { groups: 3, appends: 1 });
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
