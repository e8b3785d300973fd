import { join } from 'node:path';
import test from 'ava';
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import { connect } from '../../sdk/index.js';
import { chance, nextAppend, sampleAppend, sampleSummary } from '../store/sample.js';
import { takeBack } from './old-store.js';
import { begin, folder, run, startServe } from './processes.js';

const dayMs = 24 * 3600 * 1000;

/** Puts transactions into a store that ended so many days ago. */
async function fill(
  directory: string,
  count: number,
  { days = 100, status = 'committed' as const } = {},
): Promise<void> {
  const store = await openSqliteStore({ path: join(directory, 'test.db'), chance });
  const openedAt = Date.now() - days * dayMs;
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const first = sampleAppend(`${status}-${days}-${index}`, { summary: sampleSummary({ openedAt }) });
      await store.append(first);
      const summary = sampleSummary({ openedAt, status, decision: 'commit', finishedAt: openedAt + 1000 });
      await store.append(nextAppend(first, { events: '[{"type":"ended","status":"committed"}]', summary }));
    }),
  );
  await store.close();
}

const store = ['--store', 'sqlite:test.db'];

test('I15 what is finished and old goes, what is young or parked stays, and a dry run only counts', async (t) => {
  const directory = folder(t);
  await fill(directory, 130);
  await fill(directory, 3, { days: 1 });
  await fill(directory, 2, { status: 'parked' as never });
  const purge = (...args: string[]) => run(['purge', ...store, ...args], { directory });
  t.regex(
    (await purge('--finished-before', '30d', '--dry-run')).out,
    /^would delete 130 transactions that finished before 20/,
  );
  const done = await purge('--finished-before', '30d', '--json');
  t.like(JSON.parse(done.out), { transactions: 130, xidsFreed: 0, dryRun: false, interrupted: false });
  t.regex((await purge('--finished-before', '30d')).out, /^deleted 0 transactions/);
  const left = await openSqliteStore({ path: join(directory, 'test.db'), chance });
  t.teardown(() => left.close());
  const { items: recorded } = await left.audit({ limit: 10 });
  t.deepEqual(
    recorded.map(({ action, detail }) => [action, JSON.parse(detail).transactions]),
    [
      ['purge', 0],
      ['purge', 130],
    ],
  );
  const { items } = await left.list({ statuses: [], limit: 500 });
  t.deepEqual([...new Set(items.map(({ status }) => status))].sort(), ['committed', 'parked']);
  t.is(items.length, 5);
});

test('H15 beside a coordinator that takes transactions all the time, none of them fails, and all that is old goes', async (t) => {
  const directory = folder(t);
  await fill(directory, 3000);
  const { first } = await startServe(t, [], { directory });
  const client = connect({ url: first.listening, patienceMs: 0 });
  t.teardown(() => client.close());
  let isPurging = true;
  let taken = 0;
  const load = Array.from({ length: 4 }, async (_, place) => {
    for (let i = 0; isPurging; i++, taken++) {
      const { xid } = await client.open({ name: 'checkout', xid: `new-${place}-${i}` });
      await client.commit(xid);
    }
  });
  const purged = run(['purge', ...store, '--finished-before', '30d', '--json'], { directory }).finally(() => {
    isPurging = false;
  });
  await t.notThrowsAsync(Promise.all(load));
  t.like(JSON.parse((await purged).out), { transactions: 3000 });
  t.true(taken > 0);
  t.log(`${taken} transactions opened and committed meanwhile`);
});

test('E4 what was purged is refused with 409 when it is opened again, and is not found otherwise', async (t) => {
  const directory = folder(t);
  const { first, err } = await startServe(t, [], { directory });
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(first.listening + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return [answer.status, ((await answer.json()) as { code?: string }).code];
  };
  const open = () => post('/v1/transactions', { name: 'checkout', xid: 'x1' });
  const commit = () => post('/v1/transactions/x1/commit', {});
  t.is((await open())[0], 201);
  t.is((await commit())[0], 200);
  t.is((await open())[0], 200);
  for (let gone = 0; gone < 1; ) {
    const purged = await run(['purge', ...store, '--finished-before', new Date().toISOString(), '--json'], {
      directory,
    });
    gone = JSON.parse(purged.out).transactions;
  }
  t.deepEqual(await open(), [409, 'transaction_purged']);
  t.deepEqual(await commit(), [409, 'transaction_purged']);
  const gone = `${first.listening}/v1/transactions/x1`;
  for (const url of [gone, `${gone}/events`]) t.is((await fetch(url)).status, 404);
  const shown = await run(['tx', 'show', 'x1', '--url', first.listening], { directory });
  t.regex(shown.err, /transaction x1 finished and was purged on 20.*\(transaction_not_found\)/);
  t.notRegex(err(), /"level":"(warn|error)"/, 'a late request wakes nobody');
});

test('I15 a purge that is killed in the middle has its record', async (t) => {
  const directory = folder(t);
  await fill(directory, 3000);
  const left = await openSqliteStore({ path: join(directory, 'test.db'), chance });
  t.teardown(() => left.close());
  const { child, ended } = begin(['purge', ...store, '--finished-before', '30d'], { directory });
  while ((await left.purgeable(Date.now())) === 3000);
  child.kill('SIGKILL');
  await ended;
  t.true((await left.purgeable(Date.now())) > 0, 'it was killed in the middle');
  const { items } = await left.audit({ limit: 10 });
  t.deepEqual(
    items.map(({ action }) => action),
    ['purge'],
  );
});

test('H15 a coordinator with a retention purges by itself', async (t) => {
  const directory = folder(t);
  await fill(directory, 150);
  await fill(directory, 3, { days: 1 });
  const { first } = await startServe(t, ['--retention-ms', String(30 * dayMs), '--sweep-ms', '50'], { directory });
  const client = connect({ url: first.listening });
  t.teardown(() => client.close());
  const count = async (): Promise<number> => (await client.list({ limit: 500 })).items.length;
  while ((await count()) > 3);
  t.is(await count(), 3);
});

test('wrong times and stores name what was expected and what came', async (t) => {
  const directory = folder(t);
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [
      ['--finished-before', 'yesterday'],
      2,
      /--finished-before: expected a time such as .* or an age such as 30d or 12h, got "yesterday"/,
    ],
    [['--finished-before', '2999-01-01'], 2, /--finished-before: expected a time in the past, got 2999-01-01/],
    [[], 2, /required option '--finished-before <time>' not specified/],
    [['--finished-before', '1d', '--store', 'sqlite::memory:'], 2, /expected sqlite:PATH, got sqlite::memory:/],
    [['--finished-before', '1d'], 1, /expected a store, got nothing at .*concordat\.db/],
  ];
  for (const [args, code, message] of cases) {
    const ended = await run(['purge', ...args], { directory });
    t.is(ended.code, code, args.join(' '));
    t.regex(ended.err, message);
  }
  await fill(directory, 1);
  await takeBack(join(directory, 'test.db'), 2);
  const old = await run(['purge', ...store, '--finished-before', '1d'], { directory });
  t.is(old.code, 1);
  t.regex(old.err, /has schema 2, this version needs \d+: run "concordat migrate"/);
});
