import { fork } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { schemaVersion } from '../../coordinator/store/migrations/migrations.js';
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import { StoreError } from '../../coordinator/store/store.js';
import { plant } from '../contracts/store.js';
import { chance, coordinator, sampleAppend } from './sample.js';
import { openStore, peek, tempFile, watchedDriver } from './sqlite-disk.js';

test('H8 the writer runs with write-ahead logging and synchronous FULL', async (t) => {
  const { driver, writer } = watchedDriver();
  await openStore(t, { path: await tempFile(t), driver });
  t.deepEqual(await writer().all('pragma journal_mode'), [{ journal_mode: 'wal' }]);
  t.deepEqual(await writer().all('pragma synchronous'), [{ synchronous: 2 }]);
  t.deepEqual(await writer().all('pragma foreign_keys'), [{ foreign_keys: 1 }]);
  t.deepEqual(await writer().all('pragma busy_timeout'), [{ timeout: 5000 }]);
});

test.serial('planted synchronous-normal: the check above sees it', async (t) => {
  plant(t, 'synchronous-normal');
  const { driver, writer } = watchedDriver();
  await openStore(t, { path: await tempFile(t), driver });
  t.deepEqual(await writer().all('pragma synchronous'), [{ synchronous: 1 }]);
});

for (const [name, magic] of [
  ['NFS', 0x6969],
  ['SMB2', 0xfe534d42],
  ['CIFS', 0xff534d42 | 0],
] as const) {
  test(`H9 a file on ${name} is refused`, async (t) => {
    const path = await tempFile(t);
    const error = await t.throwsAsync<StoreError>(() =>
      openSqliteStore({ path, chance, fileSystemType: async () => magic }),
    );
    t.regex(error?.message ?? '', new RegExp(`store.db is on a network file system \\(${name}\\)`));
  });
}

test('H9 a file in which a coordinator of another host is alive is refused until its lease ran out', async (t) => {
  const path = await tempFile(t);
  let wall = 1_000_000;
  const time = { wall: () => wall, monotonic: () => 0 };
  const there = await openStore(t, { path, host: 'there', time });
  await there.renewLease({ id: coordinator('c1'), host: 'there', pid: 7, leaseMs: 10_000 });
  wall += 9_999;
  const error = await t.throwsAsync<StoreError>(() => openSqliteStore({ path, chance, host: 'here', time }));
  t.is(error?.kind, 'outage');
  t.regex(error?.message ?? '', /in use by coordinator c1 \(process 7\) on host there, and this is here/);
  await t.notThrowsAsync(openStore(t, { path, host: 'there', time }));
  wall += 1;
  await t.notThrowsAsync(openStore(t, { path, host: 'here', time }));
});

test('a directory that is not there is named', async (t) => {
  const path = `${await tempFile(t)}-nowhere/store.db`;
  const error = await t.throwsAsync<StoreError>(() => openSqliteStore({ path, chance }));
  t.regex(error?.message ?? '', /cannot open .*: there is no directory .*nowhere/);
});

test('a path that is no file is named', async (t) => {
  const path = dirname(await tempFile(t));
  const message = new RegExp(`^the store could not open ${path}: SQLITE_CANTOPEN`);
  await t.throwsAsync(openSqliteStore({ path, chance }), { instanceOf: StoreError, message });
});

test('a driver that is missing is said with the way to get it', async (t) => {
  const path = await tempFile(t);
  const driver = () => Promise.reject(new Error("Cannot find package 'sqlite3'"));
  const error = await t.throwsAsync<StoreError>(() => openSqliteStore({ path, chance, driver }));
  t.regex(error?.message ?? '', /needs the package sqlite3.*npm install sqlite3/);
});

test('a database of something else is refused and left as it was', async (t) => {
  const path = await tempFile(t);
  const other = await peek(t, path);
  await other.exec('create table customers (id integer)');
  const error = await t.throwsAsync<StoreError>(() => openSqliteStore({ path, chance }));
  t.regex(error?.message ?? '', /is a database of something else/);
  t.deepEqual(await other.all('pragma journal_mode'), [{ journal_mode: 'delete' }]);
});

const spoiled = {
  'G7 a store of a newer version': [
    `insert into migrations (name, batch) values ('999-later', 2); update meta set value = '${schemaVersion + 1}' where key = 'schema'`,
    new RegExp(`written by a newer version \\(schema ${schemaVersion + 1}, this one knows ${schemaVersion}\\)`),
  ],
  'A14 a store whose migration still holds its lock': ['update migrations_lock set is_locked = 1', /did not finish/],
  'A14 a store without a table that a migration makes': [
    'drop table meta',
    /did not finish \(there is no table meta\)/,
  ],
  'A14 a store whose steps and version differ': [
    'delete from migrations',
    new RegExp(`did not finish \\(schema ${schemaVersion}, steps none\\)`),
  ],
  'a store that does not say who it is': [`delete from meta where key = 'token_key'`, /does not say who it is/],
} as const;
for (const [what, [sql, message]] of Object.entries(spoiled)) {
  test(`${what} is refused`, async (t) => {
    const path = await tempFile(t);
    await (await openSqliteStore({ path, chance })).close();
    await (await peek(t, path)).exec(sql);
    const error = await t.throwsAsync<StoreError>(() => openSqliteStore({ path, chance }));
    t.is(error?.kind, 'broken');
    t.regex(error?.message ?? '', message);
  });
}

const child = (path: string, mode: 'open' | 'die') =>
  fork(fileURLToPath(new URL('sqlite-open-child.js', import.meta.url)), [path, mode], {
    execArgv: ['--conditions=concordat-test'],
  });

test('A14 a process killed in the middle of a migration leaves a file that opens as new', async (t) => {
  const path = await tempFile(t);
  const [, signal] = await once(child(path, 'die'), 'exit');
  t.is(signal, 'SIGKILL');
  const store = await openStore(t, { path });
  t.is(await store.append(sampleAppend('x1')), 'won');
});

test('processes that open a new file at once all succeed and agree on who it is', async (t) => {
  const path = await tempFile(t);
  const children = Array.from({ length: 5 }, () => child(path, 'open'));
  const answers = await Promise.all(children.map((each) => once(each, 'message')));
  const origins = new Set(answers.map(([answer]) => JSON.stringify(answer)));
  t.is(origins.size, 1);
  t.regex([...origins][0] ?? '', /"origin":"[0-9a-f]{32}"/);
});

test('a file that cannot be closed is told, and is closed no second time', async (t) => {
  const { driver, raw } = watchedDriver();
  const store = await openSqliteStore({ path: await tempFile(t), chance, driver });
  const left = raw().prepare('select 1');
  const message = /^the store could not close: SQLITE_BUSY/;
  for (const _ of [1, 2]) await t.throwsAsync(store.close(), { instanceOf: StoreError, message });
  left.finalize();
});
