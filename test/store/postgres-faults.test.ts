/** What goes wrong between a store and a real PostgreSQL: answers get lost, sessions are ended, locks stay. */
import test, { type ExecutionContext } from 'ava';
import type { Append, Store, StoreError, StoreErrorKind } from '../../coordinator/store/store.js';
import { defaults } from '../../sdk/protocol/limits.js';
import { plant, rowOf } from '../contracts/store.js';
import type { Postgres } from '../helpers/postgres.js';
import { withPostgres } from '../helpers/with-postgres.js';
import { openStore, tempDatabase } from './postgres-disk.js';
import { startProxy } from './postgres-proxy.js';
import { coordinator, nextAppend, sampleAppend, sampleSummary, xidOf } from './sample.js';

const answerOf = (store: Store, append: Append): Promise<'won' | 'lost' | StoreErrorKind> =>
  store.append(append).catch((error: StoreError) => error.kind);

const withSummary = (xid: string): Append => sampleAppend(xid, { summary: sampleSummary() });
const lease = { id: coordinator('c1'), host: 'h', pid: 1, leaseMs: 10 };

withPostgres((server) => {
  /** A store behind a proxy, which has appended once already. */
  const behindProxy = async (t: ExecutionContext) => {
    const url = await tempDatabase(t, server);
    const proxy = await startProxy(t, server);
    const store = await openStore(t, { url: server.url(nameIn(url), proxy.socket) });
    await store.append(withSummary('first'));
    return { store, proxy };
  };
  /** A connection of the test's own to the same database. */
  const beside = (t: ExecutionContext, url: string) => {
    const db = server.connect(nameIn(url));
    t.teardown(() => db.destroy());
    return db;
  };
  const nameIn = (url: string): string => new URL(url).pathname.slice(1);

  for (const what of ['answer', 'request'] as const) {
    test(`H1 an append whose ${what} got lost is there once, and counts as won`, async (t) => {
      const { store, proxy } = await behindProxy(t);
      const append = withSummary('x1');
      proxy.lose(what);
      t.is(await answerOf(store, append), 'won');
      t.is(proxy.lost(), 1);
      t.deepEqual(await store.load(append.xid), [rowOf(append)]);
      t.is((await store.list({ statuses: [], limit: 5 })).items.length, 2);
      t.is(await answerOf(store, nextAppend(sampleAppend('x1'))), 'lost', 'and another still loses');
    });
  }

  test('H1 G3 an answer that never comes is given up after a bound, and looked up', async (t) => {
    const url = await tempDatabase(t, server);
    const proxy = await startProxy(t, server);
    const store = await openStore(t, { url: server.url(nameIn(url), proxy.socket), statementTimeoutMs: 1000 });
    await store.append(withSummary('first'));
    const append = withSummary('x1');
    proxy.lose('answer, silently');
    t.is(await answerOf(store, append), 'won');
    t.is(proxy.lost(), 1);
    t.is((await store.load(append.xid)).length, 1);
  });

  test('G3 H7 lists are answered again after one whose answer never comes', async (t) => {
    const proxy = await startProxy(t, server);
    const url = server.url(nameIn(await tempDatabase(t, server)), proxy.socket);
    const store = await openStore(t, { url, statementTimeoutMs: 500 });
    const list = () => answered(store.list({ statuses: [], limit: 5 }));
    t.is(await list(), 'ok');
    proxy.mute();
    t.is(await list(), 'outage');
    t.is(await list(), 'ok');
  });

  test('G3 a renewal whose answer never comes is done again before the lease ends', async (t) => {
    const proxy = await startProxy(t, server);
    const store = await openStore(t, { url: server.url(nameIn(await tempDatabase(t, server)), proxy.socket) });
    await store.renewLease(lease);
    proxy.mute();
    const begunAt = performance.now();
    t.is(await answered(store.renewLease(lease)), 'outage');
    t.is(await answered(store.renewLease(lease)), 'ok');
    const tookMs = performance.now() - begunAt;
    t.true(tookMs < defaults.leaseMs, `${tookMs}`);
  });

  test('H1 when every request gets lost the caller hears of an outage, not of a no, and then all is well again', async (t) => {
    const { store, proxy } = await behindProxy(t);
    const append = withSummary('x1');
    proxy.lose('request', 99);
    t.is(await answerOf(store, append), 'outage');
    proxy.lose('request', 0);
    t.is(await answerOf(store, append), 'won');
  });

  test.serial('planted lost-commit-answer-is-a-no: the checks above see it', async (t) => {
    plant(t, 'lost-commit-answer-is-a-no');
    const { store, proxy } = await behindProxy(t);
    proxy.lose('answer');
    t.not(await answerOf(store, withSummary('x1')), 'won');
    t.is((await store.load(xidOf('x1'))).length, 1);
  });

  test('H7 whatever session the server ends, this process goes on, and so does the store', async (t) => {
    const url = await tempDatabase(t, server);
    const store = await openStore(t, { url });
    const db = beside(t, url);
    await store.append(withSummary('x1'));
    await Promise.all([
      store.renewLease(lease),
      store.list({ statuses: [], limit: 5 }),
      store.owners(),
      store.instances(),
    ]);
    const ended = await db.raw(
      `select application_name as name, pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() order by 1`,
    );
    t.deepEqual(
      [...new Set((ended.rows as { name: string }[]).map(({ name }) => name))],
      ['concordat appends', 'concordat leases', 'concordat lists', 'concordat others', 'concordat sweep'],
    );
    t.is(await answerOf(store, withSummary('x2')), 'won');
    t.true((await eventually(() => store.renewLease(lease))) > 0);
    t.is((await eventually(() => store.list({ statuses: [], limit: 5 }))).items.length, 2);
    t.is((await eventually(() => store.owners())).length, 1);
    t.deepEqual(await eventually(() => store.instances()), []);
  });

  test('H4 of two that lock each other out the one that is chosen is done again', async (t) => {
    const url = await tempDatabase(t, server);
    const store = await openStore(t, { url });
    const [first, second] = [withSummary('a'), withSummary('b')];
    await store.append(first);
    await store.append(second);
    const db = beside(t, url);
    // It waits for longer than the store's own session before it looks for a deadlock, so that the store is chosen.
    const trx = await db.transaction();
    await trx.raw(`set local deadlock_timeout = '10min'`);
    await trx.raw(`update concordat.transactions set reason = 'theirs' where xid = 'b'`);
    const ends = [first, second].map((append) =>
      store.append(nextAppend(append, { summary: sampleSummary({ reason: 'ours' }) })),
    );
    await waiting(db);
    await trx.raw(`update concordat.transactions set reason = 'theirs' where xid = 'a'`);
    await trx.commit();
    t.deepEqual(await Promise.all(ends), ['won', 'won']);
    t.is(store.stats().statements, 2 + 3, 'one that was rolled back, a look, and one more');
    t.deepEqual(
      (await store.list({ statuses: [], limit: 5 })).items.map(({ reason }) => reason),
      ['ours', 'ours'],
    );
  });

  test('H4 H6 a lock that stays ends in an outage after a bound, and the lease is renewed meanwhile', async (t) => {
    const url = await tempDatabase(t, server);
    const store = await openStore(t, { url, busyTimeoutMs: 50 });
    await store.append(withSummary('x1'));
    const db = beside(t, url);
    const trx = await db.transaction();
    await trx.raw('lock table concordat.log');
    const append = withSummary('x2');
    const answer = answerOf(store, append);
    const loading = answered(store.load(xidOf('x1')));
    t.true((await store.renewLease(lease)) > 0);
    t.is(await answer, 'outage');
    t.is(await loading, 'outage');
    await trx.commit();
    t.is(await answerOf(store, append), 'won');
  });

  test('H6 a statement that takes too long is ended by the server, as an outage', async (t) => {
    const url = await tempDatabase(t, server);
    const store = await openStore(t, { url, busyTimeoutMs: 60_000, statementTimeoutMs: 100 });
    await store.append(withSummary('x1'));
    const trx = await beside(t, url).transaction();
    await trx.raw('lock table concordat.log');
    t.is(await answerOf(store, withSummary('x2')), 'outage');
    await trx.commit();
    t.is(await answerOf(store, withSummary('x2')), 'won');
  });

  test('H5 however many reads wait, the lease is renewed, work is appended, and those too many are turned away', async (t) => {
    const url = await tempDatabase(t, server);
    const store = await openStore(t, { url });
    await store.append(withSummary('x1'));
    const trx = await beside(t, url).transaction();
    await trx.raw('lock table concordat.instances');
    const reads = Array.from({ length: 3500 }, () => answered(store.instances()));
    t.true((await store.renewLease(lease)) > 0);
    t.is(await answerOf(store, withSummary('x2')), 'won');
    t.deepEqual(await store.due(coordinator('c1'), 9_000, 5), []);
    await trx.commit();
    const answers = await Promise.all(reads);
    t.is(answers.filter((answer) => answer === 'outage').length, 500);
    t.is(answers.filter((answer) => answer === 'ok').length, 3000);
  });

  test('H3 a database that became read-only is an outage, until it is not', async (t) => {
    const url = await tempDatabase(t, server);
    const store = await openStore(t, { url });
    await store.append(withSummary('x1'));
    const db = beside(t, url);
    const end = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
    await db.raw(`alter database ${nameIn(url)} set default_transaction_read_only = on`);
    await db.raw(end);
    t.is(await answerOf(store, withSummary('x2')), 'outage');
    t.is((await eventually(() => store.load(xidOf('x1')))).length, 1, 'what is there is read');
    await db.raw(`begin read write; alter database ${nameIn(url)} set default_transaction_read_only = off; commit`);
    t.is(await eventually(async () => store.append(withSummary('x2'))), 'won');
  });

  test('E4 an append that comes while its transaction is purged brings nothing of it back', async (t) => {
    const url = await tempDatabase(t, server);
    const store = await openStore(t, { url });
    const ended = { status: 'committed', finishedAt: 1_000 } as const;
    const first = sampleAppend('x1', { summary: sampleSummary(ended) });
    await store.append(first);
    const db = beside(t, url);
    const purging = await db.transaction();
    await purging.raw(`delete from concordat.transactions where xid = 'x1'`);
    await purging.raw(
      `update concordat.log set version = 0, append = '', appender = '', events = '[]' where xid = 'x1'`,
    );
    const late = answerOf(store, nextAppend(first, { summary: sampleSummary(ended) }));
    await waiting(db);
    await purging.commit();
    await late;
    t.deepEqual((await store.list({ statuses: [], limit: 5 })).items, []);
    t.is((await t.throwsAsync<StoreError>(store.load(xidOf('x1'))))?.kind, 'purged');
    t.is(await store.dropTombstones((await store.now()) + 1, 5), 1);
    t.is(await answerOf(store, withSummary('x1')), 'won');
    t.is((await store.load(xidOf('x1'))).length, 1);
  });

  test('a value that the database refuses is refused alone, and those beside it are stored', async (t) => {
    const store = await openStore(t, { url: await tempDatabase(t, server) });
    const names = Array.from({ length: 9 }, (_, index) => `x${index}`);
    const answers = await Promise.all(
      names.map((name) =>
        answerOf(store, name === 'x4' ? sampleAppend(name, { events: '["\u0000"]' }) : withSummary(name)),
      ),
    );
    t.deepEqual(
      answers,
      names.map((name) => (name === 'x4' ? 'unstorable' : 'won')),
    );
  });

  test('what no text of the database can hold is read back as it was written', async (t) => {
    const store = await openStore(t, { url: await tempDatabase(t, server) });
    const texts = ['\u0000', '\ud800', 'a\udc00b', '\u0001', '\u0001"x"', '"', '\\u0000'];
    for (const [index, text] of texts.entries())
      await store.append(sampleAppend(`x${index}`, { summary: sampleSummary({ reason: text, businessKey: text }) }));
    for (const text of texts) {
      const { items } = await store.list({ statuses: [], limit: 9, businessKey: text });
      t.deepEqual(
        items.map(({ reason }) => reason),
        [text],
      );
    }
  });

  test('F5 times are UTC, whatever the time zone of the server', async (t) => {
    const url = await tempDatabase(t, server);
    await beside(t, url).raw(`alter database ${nameIn(url)} set timezone = 'Pacific/Chatham'`);
    const store = await openStore(t, { url });
    const before = Date.now();
    const renewedAt = await store.renewLease(lease);
    const after = await store.now();
    // One machine, one clock; the server tells whole milliseconds.
    t.true(before - 1 <= renewedAt && renewedAt <= after && after <= Date.now() + 1, `${before} ${renewedAt} ${after}`);
    const [{ renewedAt: written } = { renewedAt: 0 }] = await store.leases();
    t.true(before - 1 <= written && written <= renewedAt);
  });

  /** The store's append waits for a lock. */
  async function waiting(db: ReturnType<Postgres['connect']>): Promise<void> {
    const isWaiting = `select 1 from pg_stat_activity where application_name = 'concordat appends' and wait_event_type = 'Lock'
      and datname = current_database()`;
    while ((await db.raw(isWaiting)).rows.length === 0);
  }
});

const answered = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error: StoreError) => error.kind,
  );

/** What a store answers once it is back. */
async function eventually<T>(work: () => Promise<T>): Promise<T> {
  const endsAt = performance.now() + 20_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
