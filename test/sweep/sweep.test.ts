import test, { type ExecutionContext } from 'ava';
import { Sweep, type SweepParts } from '../../coordinator/dispatch/sweep.js';
import { type MemoryDisk, memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import type { Append, Store } from '../../coordinator/store/store.js';
import type { CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import { seededChance } from '../engine/chance.js';
import { World } from '../engine/clock.js';

const chance = seededChance(1);
const me = { id: 'me' as CoordinatorId, host: 'test', pid: 1, leaseMs: 9000 };

/** What is under a store of these tests. */
const disks = new WeakMap<Store, MemoryDisk>();

/** Parts that look, and do nothing with what they find. */
const partsOf = (given: Pick<SweepParts, 'clock' | 'store'>): SweepParts => ({
  ...given,
  me,
  chance,
  sweepMs: 1000,
  isAlive: () => true,
  wake: async () => undefined,
  adopt: async () => undefined,
  review: () => undefined,
  tend: async () => undefined,
  takeDoubts: () => [],
  stayDue: () => 0,
  onError: () => undefined,
});

/** A sweep over a store in memory, a second a round; `change` replaces parts of it. */
async function sweeping(
  t: ExecutionContext,
  change: Partial<SweepParts> = {},
  changeStore: (store: Store) => Partial<Store> = () => ({}),
) {
  const world = new World();
  const clock = world.clock();
  const disk = memoryDisk(chance);
  const plain = memoryStore({ disk, time: world.database });
  const store = { ...plain, ...changeStore(plain) };
  disks.set(store, disk);
  const woken: Xid[] = [];
  const adopted: Xid[] = [];
  const sweep = new Sweep({
    ...partsOf({ clock, store }),
    wake: async (xid) => void woken.push(xid),
    adopt: async (xid) => void adopted.push(xid),
    ...change,
  });
  await sweep.start();
  t.teardown(() => {
    clock.state = 'dead';
  });
  return { world, store, sweep, woken, adopted };
}

const rowOf = (xid: string, owner: string): Append => ({
  xid: xid as Xid,
  seq: 1,
  append: chance.id() as Append['append'],
  appender: owner as CoordinatorId,
  version: 1,
  at: World.start,
  events: '[]',
  seen: null,
  summary: {
    name: 'n',
    businessKey: null,
    participants: [],
    status: 'committing',
    decision: 'commit',
    reason: null,
    openedAt: World.start,
    decidedAt: World.start,
    deadlineAt: null,
    finishedAt: null,
    dueAt: null,
    owner: owner as CoordinatorId,
  },
});

test('I4 a lease counts from when it was asked for, not from when the answer came', async (t) => {
  let answerMs = 0;
  const { world, sweep } = await sweeping(t, {}, (store) => ({
    renewLease: async (lease) => {
      const renewedAt = await store.renewLease(lease);
      if (answerMs > 0) await new Promise<void>((resolve) => void world.clock().after(answerMs, resolve));
      return renewedAt;
    },
  }));
  answerMs = 5000;
  await world.advance(11_900);
  t.not(sweep.leaseTerm(), undefined, 'asked for at 3000, answered at 8000');
  await world.advance(200);
  t.is(sweep.leaseTerm(), undefined, 'the next one was asked for at 11000, and is not answered');
});

test('I4 a round that takes minutes does not cost the lease', async (t) => {
  const { world, store, sweep } = await sweeping(t, { adopt: () => new Promise(() => undefined) });
  await store.append(rowOf('left', 'dead'));
  await world.advance(300_000);
  t.is(sweep.leaseTerm(), 1);
});

test('G3 a lease that could not be renewed ends in time, and the next is another one', async (t) => {
  let out = false;
  const { world, sweep } = await sweeping(t, {}, ({ renewLease }) => ({
    renewLease: (lease) => (out ? Promise.reject(new Error('out')) : renewLease(lease)),
  }));
  await world.advance(20_000);
  t.is(sweep.leaseTerm(), 1, 'renewed in time it is the same');
  out = true;
  await world.advance(9000);
  t.is(sweep.leaseTerm(), undefined);
  out = false;
  await world.advance(3000);
  t.is(sweep.leaseTerm(), 2);
});

test('I4 a lease that ran out while its renewal was on the way is another one, too', async (t) => {
  let slowly: () => Promise<void> = async () => undefined;
  const { world, sweep } = await sweeping(t, {}, ({ renewLease }) => ({
    renewLease: async (lease) => {
      const renewedAt = await renewLease(lease);
      await slowly();
      return renewedAt;
    },
  }));
  t.is(sweep.leaseTerm(), 1);
  const database = world.clock();
  slowly = () => new Promise((resolve) => void database.after(7000, resolve));
  await world.advance(9500);
  t.is(sweep.leaseTerm(), undefined);
  await world.advance(600);
  t.is(sweep.leaseTerm(), 2);
});

test('J1 I4 in a crowd that stays due, what becomes due is found in the next round, and all of it now and then', async (t) => {
  const asked: (number | undefined)[] = [];
  const { world, store, woken } = await sweeping(t, { stayDue: () => 100_000 }, ({ due }) => ({
    due(owner, now, limit, since) {
      asked.push(since);
      return due(owner, now, limit, since);
    },
  }));
  const dueAt = (xid: string, at: number) => {
    const row = rowOf(xid, 'me');
    return store.append({ ...row, summary: row.summary && { ...row.summary, dueAt: at } });
  };
  await dueAt('old', World.start - 3_600_000);
  await world.advance(2000);
  await dueAt('new', world.database.wall() + 500);
  woken.length = 0;
  await world.advance(2000);
  t.true(woken.includes('new' as Xid));
  t.false(woken.includes('old' as Xid), 'it is looked after');
  await world.advance(40_000);
  t.true(woken.includes('old' as Xid));
  t.true(asked.filter((since) => since === undefined).length < asked.length / 10);
});

test('J3 coordinators that start at the same moment do not look at the store at the same moments', async (t) => {
  const world = new World();
  const disk = memoryDisk(chance);
  const looks = new Map<number, number>();
  for (let each = 0; each < 20; each++) {
    const clock = world.clock();
    t.teardown(() => {
      clock.state = 'dead';
    });
    const store = memoryStore({ disk, time: world.database });
    const tend = async (): Promise<void> => void looks.set(world.ms, (looks.get(world.ms) ?? 0) + 1);
    const lease = { ...me, id: `c${each}` as CoordinatorId };
    await new Sweep({ ...partsOf({ clock, store }), me: lease, chance: seededChance(each), tend }).start();
  }
  await world.advance(5000);
  const rounds = [...looks.values()];
  t.true(rounds.reduce((sum, count) => sum + count, 0) >= 5 * 20, 'each looks at least once a second');
  t.true(Math.max(...rounds) <= 4, `${Math.max(...rounds)} of 20 at one moment`);
});

test('N5 what is parked is not taken over from a dead owner', async (t) => {
  const { world, store, adopted } = await sweeping(t);
  const row = rowOf('parked', 'dead');
  await store.append({ ...row, summary: row.summary && { ...row.summary, status: 'parked' } });
  await world.advance(60_000);
  t.deepEqual(adopted, []);
});

test('H15 the leases of coordinators that are long gone are dropped, that of a living one is kept', async (t) => {
  const { world, store } = await sweeping(t);
  for (const id of ['gone', 'alive']) await store.renewLease({ ...me, id: id as CoordinatorId });
  const other = world.clock();
  const beat = () => {
    void store.renewLease({ ...me, id: 'alive' as CoordinatorId });
    other.after(3000, beat);
  };
  beat();
  await world.advance(120_000);
  t.deepEqual(
    (await store.leases()).map(({ id }) => id),
    ['alive', 'me'],
  );
});

test('I4 when too much is doubted to name it, all is looked at, a page after the other', async (t) => {
  let doubts: readonly Xid[] | 'all' = 'all';
  const { world, store, woken } = await sweeping(t, {
    takeDoubts: () => {
      const taken = doubts;
      doubts = [];
      return taken;
    },
  });
  for (let i = 0; i < 450; i++) await store.append(rowOf(`t${i}`, 'me'));
  await world.advance(1000);
  t.is(new Set(woken).size, 450);
  await world.advance(5000);
  t.is(woken.length, 450);
});

for (const hoursApart of [1, -1]) {
  test(`F2 F3 a living coordinator is not taken over though the two clocks are ${hoursApart} h apart, a dead one is`, async (t) => {
    const { world, store, adopted } = await sweeping(t);
    const other = world.clock();
    const time = { wall: () => World.start + world.ms - hoursApart * 3_600_000, monotonic: () => world.ms };
    const his = memoryStore({ disk: disks.get(store)!, time });
    const lease = { id: 'other' as CoordinatorId, host: 'test', pid: 2, leaseMs: 9000 };
    const beat = () => {
      void his.renewLease(lease);
      other.after(3000, beat);
    };
    beat();
    await store.append(rowOf('his', 'other'));
    await world.advance(60_000);
    t.deepEqual(adopted, []);
    other.state = 'dead';
    // His last beat is seen a round late at most, and so is that it is over.
    await world.advance(9000 + 2 * 1000);
    t.deepEqual([...new Set(adopted)], ['his']);
  });
}
