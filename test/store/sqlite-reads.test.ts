import test from 'ava';
import { statements } from '../../coordinator/store/sqlite/statements.js';
import type { Store, StoreError } from '../../coordinator/store/store.js';
import { nextAppend, sampleAppend, sampleSummary, xidOf } from './sample.js';
import { openStore, type Peek, peek, tempFile, watchedDriver } from './sqlite-disk.js';

async function twoLogs(t: Parameters<typeof tempFile>[0]): Promise<{ store: Store; file: Peek }> {
  const path = await tempFile(t);
  const store = await openStore(t, { path });
  const first = sampleAppend('bad', { summary: sampleSummary({ openedAt: 2_000 }) });
  for (const append of [first, nextAppend(first), sampleAppend('good', { summary: sampleSummary() })]) {
    await store.append(append);
  }
  return { store, file: await peek(t, path) };
}

const corruptions = {
  'events that are no JSON': `update log set events = '[{"type":' where xid = 'bad' and seq = 2`,
  'events that are no array': `update log set events = '{}' where xid = 'bad' and seq = 2`,
  'a row that is missing': `update log set seq = 3 where xid = 'bad' and seq = 2`,
};
for (const [what, sql] of Object.entries(corruptions)) {
  test(`H12 ${what} fails the load of that transaction alone and names the row`, async (t) => {
    const { store, file } = await twoLogs(t);
    await file.exec(sql);
    const error = await t.throwsAsync<StoreError>(() => store.load(xidOf('bad')));
    t.regex(error?.message ?? '', /corrupt row of the log of bad seq [23]: expected/);
    t.is((await store.load(xidOf('good'))).length, 1);
    t.is(await store.append(sampleAppend('new')), 'won');
  });
}

test('H12 a corrupt summary fails the page that it is on and names the transaction', async (t) => {
  const { store, file } = await twoLogs(t);
  await file.exec(`update transactions set status = 'commited' where xid = 'bad'`);
  const error = await t.throwsAsync<StoreError>(() => store.list({ statuses: [], limit: 10 }));
  t.regex(error?.message ?? '', /corrupt summary row of bad: expected status to be one of active, .* got "commited"/);
  t.is((await store.list({ statuses: [], limit: 10, openedBefore: 2_000 })).items[0]?.xid, xidOf('good'));
});

test.serial('F5 times are UTC milliseconds whatever the time zone, daylight saving included', async (t) => {
  const zone = process.env.TZ;
  process.env.TZ = 'America/New_York';
  t.teardown(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });
  const path = await tempFile(t);
  const store = await openStore(t, { path });
  // The same local time twice: an hour apart around the end of daylight saving.
  const [early, late] = [Date.parse('2025-11-02T05:30:00Z'), Date.parse('2025-11-02T06:30:00Z')];
  t.is(new Date(early).getHours(), new Date(late).getHours());
  for (const [name, openedAt] of [
    ['early', early],
    ['late', late],
  ] as const) {
    await store.append(sampleAppend(name, { at: openedAt, summary: sampleSummary({ openedAt }) }));
  }
  const page = await store.list({ statuses: [], limit: 5, openedAfter: early });
  t.deepEqual(
    page.items.map(({ xid, openedAt }) => [xid, openedAt]),
    [[xidOf('late'), late]],
  );
  const rows = await (await peek(t, path)).all('select at, typeof(at) as type from log order by xid');
  t.deepEqual(rows, [
    { at: early, type: 'integer' },
    { at: late, type: 'integer' },
  ]);
});

test('H4 reads and lists do not wait for a writer, and see nothing that is not committed', async (t) => {
  const { driver, writer } = watchedDriver();
  const path = await tempFile(t);
  const store = await openStore(t, { path, driver });
  await store.append(sampleAppend('x1', { summary: sampleSummary() }));
  await writer().exec(`begin immediate; delete from log; delete from transactions`);
  t.is((await store.load(xidOf('x1'))).length, 1);
  t.is((await store.list({ statuses: [], limit: 5 })).items.length, 1);
  await writer().exec('rollback');
});

test('every query of a list and of the sweep walks an index', async (t) => {
  const { store, file } = await twoLogs(t);
  t.truthy(store);
  const newest = 'order by opened_at desc, xid desc limit 5';
  const queries = {
    transactions_newest: `select * from transactions where (opened_at, xid) < (5, 'x') ${newest}`,
    transactions_by_status: `select * from transactions where status = 'parked' ${newest}`,
    transactions_by_name: `select * from transactions where name = 'a' ${newest}`,
    transactions_by_business_key: `select * from transactions where business_key = 'a' ${newest}`,
    transactions_due: statements.due,
    transactions_owned: statements.owned,
  };
  for (const [index, query] of Object.entries(queries)) {
    const plan = (await file.all(`explain query plan ${query}`)).map(({ detail }) => detail).join('; ');
    t.regex(plan, new RegExp(`USING (COVERING )?INDEX ${index}\\b`), query);
    t.notRegex(plan, /TEMP B-TREE/, query);
  }
});
