import test from 'ava';
import { armed } from '../../coordinator/faults/armed.js';
import type { Around } from '../../coordinator/store/sqlite/connection.js';
import type { StatementName } from '../../coordinator/store/sqlite/statements.js';
import type { Append, Store, StoreError, StoreErrorKind } from '../../coordinator/store/store.js';
import { plant, rowOf } from '../contracts/store.js';
import { sampleRegistration } from '../contracts/store-instances.js';
import { coordinator, sampleAppend, sampleSummary, xidOf } from './sample.js';
import { openStore, peek, sqliteError, tempFile, watchedDriver } from './sqlite-disk.js';

const answerOf = (store: Store, append: Append): Promise<'won' | 'lost' | StoreErrorKind> =>
  store.append(append).catch((error: StoreError) => error.kind);

/** Does something once, at the first statement of this name. */
const once = (name: StatementName, act: Around): Around => {
  let done = false;
  return (statement, run) => {
    if (done || statement !== name) return run();
    done = true;
    return act(statement, run);
  };
};

const answerLost: Around = async (_, run) => {
  await run();
  throw new Error('the answer got lost');
};

const withSummary = (xid: string): Append => sampleAppend(xid, { summary: sampleSummary() });

test('H1 a commit that was done though its answer got lost is found and counts as won', async (t) => {
  const path = await tempFile(t);
  const store = await openStore(t, { path, around: once('insertLog', answerLost) });
  const append = withSummary('x1');
  t.is(await answerOf(store, append), 'won');
  t.deepEqual(await store.load(append.xid), [rowOf(append)]);
});

test.serial('planted lost-commit-answer-is-a-no: the checks above see it', async (t) => {
  plant(t, 'lost-commit-answer-is-a-no');
  const store = await openStore(t, { path: await tempFile(t), around: once('insertLog', answerLost) });
  t.not(await answerOf(store, withSummary('x1')), 'won');
  t.is((await store.load(xidOf('x1'))).length, 1);
});

test('H1 a commit that was not done and whose answer got lost is done again, once', async (t) => {
  const around = once('insertLog', () => Promise.reject(new Error('the line dropped')));
  const store = await openStore(t, { path: await tempFile(t), around });
  const append = withSummary('x1');
  t.is(await answerOf(store, append), 'won');
  t.deepEqual(await store.load(append.xid), [rowOf(append)]);
  t.is((await store.list({ statuses: [], limit: 5 })).items.length, 1);
});

test('H1 when every answer gets lost the caller hears of an outage, not of a no, and nothing is left open', async (t) => {
  let broken = true;
  const around: Around = (name, run) =>
    broken && name === 'insertLog' ? Promise.reject(new Error('the line dropped')) : run();
  const store = await openStore(t, { path: await tempFile(t), around });
  t.is(await answerOf(store, withSummary('x1')), 'outage');
  broken = false;
  t.is(await answerOf(store, withSummary('x1')), 'won');
});

test('I3 an append is answered only after its commit returned', async (t) => {
  t.false(await isAnsweredBeforeCommit((around) => tempFile(t).then((path) => openStore(t, { path, around }))));
});

test.serial('planted answer-before-commit: the check above sees it', async (t) => {
  plant(t, 'answer-before-commit');
  t.true(await isAnsweredBeforeCommit((around) => tempFile(t).then((path) => openStore(t, { path, around }))));
});

async function isAnsweredBeforeCommit(open: (around: Around) => Promise<Store>): Promise<boolean> {
  let answered = false;
  let early = false;
  const store = await open(
    once('insertLog', async (_, run) => {
      const rows = await run();
      await new Promise((resolve) => setImmediate(resolve));
      early = answered;
      return rows;
    }),
  );
  await store.append(withSummary('x1')).then(() => {
    answered = true;
  });
  await store.close();
  return early;
}

test.serial('the points before and after a commit are passed around it', async (t) => {
  const seen: string[] = [];
  const note: Around = (name, run) => {
    seen.push(name);
    return run();
  };
  const store = await openStore(t, { path: await tempFile(t), around: note });
  armed.onReach = (name) => seen.push(name);
  t.teardown(() => {
    armed.onReach = undefined;
  });
  await store.append(withSummary('x1'));
  t.deepEqual(seen, ['before-commit', 'insertLog', 'after-commit']);
});

for (const summary of [null, sampleSummary()]) {
  const kind = summary ? 'with a summary' : 'without a summary';
  test(`H4 an append ${kind} that meets another writer's lock is tried again when that is gone`, async (t) => {
    const path = await tempFile(t);
    let busy = 0;
    let release = async (): Promise<void> => undefined;
    const around: Around = (_, run) =>
      run().catch(async (error: { code?: string }) => {
        if (error.code === 'SQLITE_BUSY' && ++busy === 1) await release();
        throw error;
      });
    const store = await openStore(t, { path, around, busyTimeoutMs: 5 });
    const other = await peek(t, path);
    await other.exec('begin immediate');
    release = () => other.exec('commit');
    t.is(await answerOf(store, sampleAppend('x1', { summary })), 'won');
    t.is(busy, 1);
  });
}

test('F2 a lease that was slow to be renewed does not set the clock of its coordinator back', async (t) => {
  let ms = 0;
  const time = { wall: () => 1_000_000 + ms, monotonic: () => ms };
  const around: Around = (statement, run) => {
    if (statement === 'renewLease') ms += 4000;
    return run();
  };
  const store = await openStore(t, { path: await tempFile(t), time, around });
  const lease = { id: coordinator('c1'), host: 'h', pid: 1, leaseMs: 10 };
  t.is(await store.renewLease(lease), await store.now());
  t.is((await store.leases())[0]?.renewedAt, 1_000_000, 'it counts from before it was written');
});

test('H4 a lock that stays ends in an outage after a bound, and the store goes on when it is gone', async (t) => {
  const path = await tempFile(t);
  const store = await openStore(t, { path, busyTimeoutMs: 5 });
  const other = await peek(t, path);
  await other.exec('begin immediate');
  t.is(await answerOf(store, withSummary('x1')), 'outage');
  const lease = { id: coordinator('c1'), host: 'h', pid: 1, leaseMs: 10 };
  t.is((await t.throwsAsync<StoreError>(() => store.renewLease(lease)))?.kind, 'outage');
  t.deepEqual(await store.load(xidOf('x1')), []);
  await other.exec('commit');
  t.is(await answerOf(store, withSummary('x1')), 'won');
});

for (const code of ['SQLITE_IOERR', 'SQLITE_CORRUPT', 'SQLITE_NOTADB']) {
  test(`H13 after ${code} at a commit nothing is believed any more`, async (t) => {
    const path = await tempFile(t);
    const store = await openStore(t, { path, around: once('insertLog', () => Promise.reject(sqliteError(code))) });
    const both = await Promise.all([answerOf(store, withSummary('x1')), answerOf(store, withSummary('x2'))]);
    t.deepEqual(both, ['broken', 'broken']);
    t.is(await answerOf(store, withSummary('x3')), 'broken');
    const calls = [() => store.load(xidOf('x1')), () => store.list({ statuses: [], limit: 1 }), () => store.now()];
    for (const call of calls) t.is((await t.throwsAsync<StoreError>(call))?.kind, 'broken');
  });
}

test('H13 a read that fails on the disk breaks the store too', async (t) => {
  const around = once('load', () => Promise.reject(sqliteError('SQLITE_IOERR')));
  const store = await openStore(t, { path: await tempFile(t), around });
  t.is((await t.throwsAsync<StoreError>(() => store.load(xidOf('x1'))))?.kind, 'broken');
  t.is(await answerOf(store, withSummary('x1')), 'broken');
});

test.serial('planted keep-going-after-fsync-error: the checks above see it', async (t) => {
  plant(t, 'keep-going-after-fsync-error');
  const around = once('insertLog', () => Promise.reject(sqliteError('SQLITE_IOERR')));
  const store = await openStore(t, { path: await tempFile(t), around });
  t.not(await answerOf(store, withSummary('x1')), 'broken');
  t.not(await answerOf(store, withSummary('x2')), 'broken');
});

test('H2 a full disk is an outage that acknowledges nothing, and ends when there is space', async (t) => {
  const { driver, writer } = watchedDriver();
  const store = await openStore(t, { path: await tempFile(t), driver });
  t.is(await answerOf(store, withSummary('before')), 'won');
  const [size] = await writer().all('pragma page_count');
  await writer().exec(`pragma max_page_count = ${Number(size?.page_count)}`);
  const events = JSON.stringify(['x'.repeat(100_000)]);
  t.is(await answerOf(store, sampleAppend('full', { events })), 'outage');
  t.is(await answerOf(store, sampleAppend('full', { events, summary: sampleSummary() })), 'outage');
  t.deepEqual(await store.load(xidOf('full')), []);
  t.is((await store.load(xidOf('before'))).length, 1);
  await writer().exec('pragma max_page_count = 1000000');
  t.is(await answerOf(store, sampleAppend('full', { events, summary: sampleSummary() })), 'won');
});

test('H3 a store that became read-only is an outage that ends when it is writable again', async (t) => {
  const { driver, writer } = watchedDriver();
  const store = await openStore(t, { path: await tempFile(t), driver });
  await writer().exec('pragma query_only = on');
  t.is(await answerOf(store, withSummary('x1')), 'outage');
  t.is(await answerOf(store, sampleAppend('x2')), 'outage');
  await writer().exec('pragma query_only = off');
  t.is(await answerOf(store, withSummary('x1')), 'won');
});

const poison = `create trigger poison before insert on log when new.xid like 'poison%'
  begin select raise(abort, 'the statement refuses it'); end`;

async function answersBesidePoison(store: Store, file: { exec(sql: string): Promise<void> }): Promise<string[]> {
  await file.exec(poison);
  const names = Array.from({ length: 40 }, (_, index) => (index % 13 === 5 ? `poison${index}` : `fine${index}`));
  return Promise.all(names.map(async (name) => `${name.slice(0, 4)} ${await answerOf(store, withSummary(name))}`));
}

test('an append that the database refuses fails alone, and those in its group are stored', async (t) => {
  const path = await tempFile(t);
  const store = await openStore(t, { path });
  const answers = await answersBesidePoison(store, await peek(t, path));
  t.deepEqual(new Set(answers), new Set(['fine won', 'pois unstorable']));
  t.is((await store.list({ statuses: [], limit: 100 })).items.length, 37);
  const error = await t.throwsAsync<StoreError>(() => store.append(sampleAppend('poison')));
  t.regex(error?.message ?? '', /poison seq 1.*the statement refuses it/);
});

test.serial('planted failing-append-fails-its-group: the check above sees it', async (t) => {
  plant(t, 'failing-append-fails-its-group');
  const path = await tempFile(t);
  const store = await openStore(t, { path });
  const answers = await answersBesidePoison(store, await peek(t, path));
  t.false(answers.includes('fine won'));
});

test('a value of the wrong type is refused, not converted', async (t) => {
  const store = await openStore(t, { path: await tempFile(t) });
  t.is(await answerOf(store, sampleAppend('x1', { at: Number.NaN })), 'unstorable');
  t.is(await answerOf(store, sampleAppend('x1', { at: 1.5 })), 'unstorable');
  t.is(await answerOf(store, sampleAppend('x1')), 'won');
});

test('a call that the database does not take says what it was about', async (t) => {
  const path = await tempFile(t);
  let full = false;
  const around: Around = (_, run) => (full ? Promise.reject(sqliteError('SQLITE_FULL')) : run());
  const store = await openStore(t, { path, around });
  const instance = await store.saveInstance(sampleRegistration());
  // Lists go past the prepared statements.
  await (await peek(t, path)).exec('drop table transactions');
  full = true;
  const [c1, x1] = [coordinator('c1'), xidOf('x1')];
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    'load x1': () => store.load(x1),
    list: () => store.list({ statuses: [], limit: 1 }),
    'find what is due': () => store.due(c1, 0, 1),
    'find what is owned': () => store.owned(c1, null, 1),
    'find the owners': () => store.owners(),
    'renew a lease': () => store.renewLease({ id: c1, host: 'h', pid: 1, leaseMs: 1 }),
    'drop a lease': () => store.dropLease(c1),
    'read the leases': () => store.leases(),
    'save an instance': () => store.saveInstance(sampleRegistration()),
    'forget an instance': () => store.forgetInstance(instance!),
    'end an instance': () => store.endInstance('stock', 'i1'),
    'read the instances': () => store.instances(),
    'find the oldest transaction': () => store.oldestUnfinished(),
    'tell the time': () => store.now(),
  };
  for (const [doing, call] of Object.entries(calls)) {
    const error = await t.throwsAsync<StoreError>(call, { message: new RegExp(`^the store could not ${doing}: `) });
    t.is(error?.kind, 'outage');
  }
});
