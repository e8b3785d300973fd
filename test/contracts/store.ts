import type { TestFn } from 'ava';
import type { Append, Store, StoreError } from '../../coordinator/store/store.js';
import type { TimeSource } from '../../coordinator/store/time.js';
import type { CoordinatorId } from '../../sdk/protocol/ids.js';
import { coordinator, nextAppend, sampleAppend, sampleSummary, xidOf } from '../store/sample.js';
import { type MakeDisk, openFrom, plant } from './disk.js';
import { storeAuditContract } from './store-audit.js';
import { sharedInstancesContract, storeInstancesContract } from './store-instances.js';
import { storeListContract } from './store-lists.js';
import { storePurgeContract } from './store-purge.js';
import { sharedTailContract, storeTailContract } from './store-tail.js';

export { plant } from './disk.js';

export interface ContractOptions {
  /** Whether several stores can be opened over one disk, one after another or at once. */
  readonly shared: boolean;
}

/** What every store promises, in sentences. */
export function storeContract(test: TestFn, makeDisk: MakeDisk, { shared }: ContractOptions): void {
  appendContract(test, makeDisk);
  groupContract(test, makeDisk);
  leaseContract(test, makeDisk);
  storeListContract(test, makeDisk);
  storeAuditContract(test, makeDisk);
  storeTailContract(test, makeDisk);
  storeInstancesContract(test, makeDisk);
  storePurgeContract(test, makeDisk);
  if (shared) {
    sharedContract(test, makeDisk);
    sharedInstancesContract(test, makeDisk);
    sharedTailContract(test, makeDisk);
  }

  test('a closed store finishes what is in flight and then turns every call away', async (t) => {
    const store = await openFrom(t, makeDisk);
    await store.append(sampleAppend('x0', { summary: sampleSummary() }));
    const inFlight = store.append(sampleAppend('x1'));
    const listing = store.list({ statuses: [], limit: 10 });
    const loading = store.load(xidOf('x0'));
    await store.close();
    t.is(await inFlight, 'won');
    t.is((await listing).items.length, 1);
    t.is((await loading).length, 1);
    const calls = [() => store.append(sampleAppend('x2')), () => store.load(xidOf('x1')), () => store.now()];
    for (const call of calls) t.is((await t.throwsAsync<StoreError>(call))?.kind, 'closed');
  });
}

function appendContract(test: TestFn, makeDisk: MakeDisk): void {
  test('I11 F6 a log is read back as it was appended, in the order of its numbers and not of its times', async (t) => {
    const store = await openFrom(t, makeDisk);
    const first = sampleAppend('x1', { events: '[{"text":"quote \\" and \\u0000 and é and 💡"}]', at: 5_000 });
    const second = nextAppend(first, { at: 4_000, version: 2 });
    t.is(await store.append(first), 'won');
    t.is(await store.append(second), 'won');
    t.deepEqual(await store.load(xidOf('x1')), [rowOf(first), rowOf(second)]);
    t.deepEqual(await store.load(xidOf('nobody')), []);
  });

  test('G1 an append whose place is taken loses and changes nothing', async (t) => {
    const store = await openFrom(t, makeDisk);
    const first = sampleAppend('x1');
    const taken = nextAppend(first, { appender: coordinator('c2') });
    const late = nextAppend(first, { summary: sampleSummary({ name: 'late' }) });
    t.is(await store.append(first), 'won');
    t.is(await store.append(taken), 'won');
    t.is(await store.append(late), 'lost');
    t.deepEqual(await store.load(xidOf('x1')), [rowOf(first), rowOf(taken)]);
    t.deepEqual((await store.list({ statuses: [], limit: 10 })).items, []);
    t.is(store.stats().rowsWritten, 2);
  });

  test('I11 an append at a place that is taken is lost, at the first place and at a later one', async (t) => {
    const store = await openFrom(t, makeDisk);
    t.is(await appendsOverAnother(store), 0);
  });

  test('I11 an append loses when the row it was decided upon is not there', async (t) => {
    const store = await openFrom(t, makeDisk);
    t.is(await appendsOntoAStrangersRow(store), 0);
  });

  test.serial('planted append-without-predecessor-check: the check above sees it', async (t) => {
    plant(t, 'append-without-predecessor-check');
    const store = await openFrom(t, makeDisk);
    t.true((await appendsOntoAStrangersRow(store)) > 0);
  });

  test('I12 an append that is sent again wins again, and its old summary does not come back', async (t) => {
    const store = await openFrom(t, makeDisk);
    const first = sampleAppend('x1', { summary: sampleSummary({ status: 'active' }) });
    const second = nextAppend(first, { summary: sampleSummary({ status: 'committing' }) });
    t.is(await store.append(first), 'won');
    t.is(await store.append(second), 'won');
    t.is(await store.append(first), 'won');
    t.is((await store.list({ statuses: [], limit: 10 })).items[0]?.status, 'committing');
    t.is((await store.load(xidOf('x1'))).length, 2);
  });

  test('an append that is too large is refused alone, and those beside it are stored', async (t) => {
    const store = await openFrom(t, makeDisk);
    const large = sampleAppend('large', { events: JSON.stringify(['é'.repeat(8 * 1024 * 1024)]) });
    const [refused, stored] = await Promise.allSettled([store.append(large), store.append(sampleAppend('x1'))]);
    t.is(refused.status === 'rejected' && (refused.reason as StoreError).kind, 'unstorable');
    t.deepEqual(stored, { status: 'fulfilled', value: 'won' });
    t.deepEqual(await store.load(xidOf('large')), []);
  });
}

function groupContract(test: TestFn, makeDisk: MakeDisk): void {
  test('appends that arrive together go out in groups, with the same number of statements whatever their size', async (t) => {
    const store = await openFrom(t, makeDisk);
    const statementsOf = async (names: readonly string[]): Promise<number> => {
      const before = store.stats();
      const answers = await Promise.all(
        names.map((name) => store.append(sampleAppend(name, { summary: sampleSummary() }))),
      );
      t.true(answers.every((answer) => answer === 'won'));
      t.is(store.stats().groups - before.groups, 1);
      return store.stats().statements - before.statements;
    };
    const alone = await statementsOf(['a']);
    t.true(alone > 0);
    t.is(await statementsOf(Array.from({ length: 100 }, (_, index) => `b${index}`)), alone);
    t.is(store.stats().appends, 101);
    t.is(store.stats().rowsWritten, 202);
  });

  test('I11 appends of one transaction that arrive together are judged one after another', async (t) => {
    const store = await openFrom(t, makeDisk);
    const first = sampleAppend('x1');
    const rival = sampleAppend('x1', { appender: coordinator('c2') });
    const second = nextAppend(first);
    const onRival = nextAppend(rival);
    const answers = await Promise.all([first, rival, second, onRival].map((append) => store.append(append)));
    t.deepEqual(answers, ['won', 'lost', 'won', 'lost']);
    t.deepEqual(await store.load(xidOf('x1')), [rowOf(first), rowOf(second)]);
  });
}

function leaseContract(test: TestFn, makeDisk: MakeDisk): void {
  test('F2 a jump of the wall clock moves neither the store clock nor a lease', async (t) => {
    const time = jumpingTime();
    const store = await openFrom(t, makeDisk, time);
    t.is(await drift(store, time), 0);
  });

  test.serial('planted use-the-wall-clock: the check above sees it', async (t) => {
    plant(t, 'use-the-wall-clock');
    const time = jumpingTime();
    const store = await openFrom(t, makeDisk, time);
    t.not(await drift(store, time), 0);
  });

  test('a lease is renewed on the store clock and can be let go of', async (t) => {
    const time = jumpingTime();
    const store = await openFrom(t, makeDisk, time);
    const lease = { id: coordinator('c1'), host: 'h1', pid: 7, leaseMs: 10_000 };
    t.is(await store.renewLease(lease), 1_000_000);
    time.passes(2_000);
    t.is(await store.renewLease(lease), 1_002_000);
    const others = ['c3', 'c0', 'c2'].map((id) => ({ ...lease, id: coordinator(id) }));
    for (const other of others) await store.renewLease(other);
    t.deepEqual(
      await store.leases(),
      ['c0', 'c1', 'c2', 'c3'].map((id) => ({ ...lease, id: coordinator(id), renewedAt: 1_002_000 })),
    );
    for (const { id } of [lease, ...others.slice(0, 2)]) await store.dropLease(id);
    t.deepEqual(await store.leases(), [{ ...lease, id: coordinator('c2'), renewedAt: 1_002_000 }]);
  });
}

function sharedContract(test: TestFn, makeDisk: MakeDisk): void {
  test('who a store is and what it holds is the same after it was closed and opened again', async (t) => {
    const disk = await makeDisk(t);
    const before = await disk.open();
    const append = sampleAppend('x1');
    await before.append(append);
    await before.close();
    const after = await disk.open();
    t.teardown(() => after.close());
    t.deepEqual(after.identity, before.identity);
    t.regex(after.identity.tokenKey, /^[0-9a-f]{64}$/);
    t.deepEqual(await after.load(xidOf('x1')), [rowOf(append)]);
    t.not((await (await makeDisk(t)).open()).identity.origin, before.identity.origin);
  });

  test('I11 of two coordinators that race over 200 transactions exactly one wins each place', async (t) => {
    const disk = await makeDisk(t);
    const stores = [await disk.open(), await disk.open()] as const;
    t.teardown(() => Promise.all(stores.map((store) => store.close())));
    const names = Array.from({ length: 200 }, (_, index) => `race-${index}`);
    const wins = await Promise.all(
      stores.map((store, index) => Promise.all(names.map((name) => extend(store, name, coordinator(`c${index}`), 5)))),
    );
    for (const [index, name] of names.entries()) {
      const log = await stores[0].load(xidOf(name));
      t.deepEqual(
        log.map(({ seq }) => seq),
        [1, 2, 3, 4, 5],
      );
      const winners = [...(wins[0]?.[index] ?? []), ...(wins[1]?.[index] ?? [])].sort();
      t.deepEqual(log.map(({ append }) => append).sort(), winners);
    }
  });
}

/** Appends until the log is `length` long, deciding upon what is there each time. Returns the append ids that won. */
async function extend(store: Store, name: string, appender: CoordinatorId, length: number): Promise<string[]> {
  const won: string[] = [];
  for (;;) {
    const log = await store.load(xidOf(name));
    if (log.length >= length) return won;
    const append = sampleAppend(name, {
      seq: log.length + 1,
      seen: log.at(-1)?.append ?? null,
      appender,
      summary: log.length % 2 === 0 ? sampleSummary({ owner: appender }) : null,
    });
    if ((await store.append(append)) === 'won') won.push(append.append);
  }
}

/** How many appends go in where another's is, though the row that they were decided upon is there. */
export async function appendsOverAnother(store: Store): Promise<number> {
  const first = sampleAppend('x1');
  await store.append(first);
  await store.append(nextAppend(first));
  const late = [nextAppend(first), sampleAppend('x1')].map((append) => ({ ...append, appender: coordinator('c2') }));
  let won = 0;
  for (const append of late) if ((await store.append(append)) === 'won') won++;
  return won;
}

/** How many appends go in that were decided upon a row that is not there: another's row, no row, a gap. */
async function appendsOntoAStrangersRow(store: Store): Promise<number> {
  const first = sampleAppend('x1');
  await store.append(first);
  const strangers = [
    nextAppend(sampleAppend('x1')),
    sampleAppend('x1', { seq: 3, seen: first.append }),
    sampleAppend('x1', { seq: 2, seen: null }),
    sampleAppend('x2', { seq: 2, seen: first.append }),
    sampleAppend('x3', { seq: 1, seen: first.append }),
  ];
  let won = 0;
  for (const append of strangers) if ((await store.append(append)) === 'won') won++;
  return won;
}

interface JumpingTime extends TimeSource {
  passes(ms: number): void;
  jumps(ms: number): void;
}

function jumpingTime(): JumpingTime {
  let wall = 1_000_000;
  let monotonic = 50;
  return {
    wall: () => wall,
    monotonic: () => monotonic,
    passes(ms) {
      wall += ms;
      monotonic += ms;
    },
    jumps(ms) {
      wall += ms;
    },
  };
}

/** By how much the store's clock is off after an hour's jump ahead, one back by two, and a second that passed. */
async function drift(store: Store, time: JumpingTime): Promise<number> {
  const lease = { id: coordinator('c1'), host: 'h1', pid: 7, leaseMs: 10_000 };
  const renewedAt = await store.renewLease(lease);
  time.jumps(3_600_000);
  const ahead = (await store.now()) - renewedAt;
  time.jumps(-7_200_000);
  time.passes(1_000);
  return ahead + Math.abs((await store.renewLease(lease)) - renewedAt - 1_000);
}

export function rowOf({ xid, seq, append, appender, version, at, events }: Append): object {
  return { xid, seq, append, appender, version, at, events };
}
