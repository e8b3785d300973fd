/** Which databases are taken, which are refused, and what is said of those. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { schemaVersion } from '../../coordinator/store/migrations/migrations.js';
import { factsOfDatabase, schemaOfDatabase } from '../../coordinator/store/postgres/inspect.js';
import { migrations } from '../../coordinator/store/postgres/migrations/migrations.js';
import { nameOf } from '../../coordinator/store/postgres/name.js';
import { openPostgresStore } from '../../coordinator/store/postgres/store.js';
import type { StoreError } from '../../coordinator/store/store.js';
import { withPostgres } from '../helpers/with-postgres.js';
import { openStore, tempDatabase } from './postgres-disk.js';
import { chance, sampleAppend, sampleSummary } from './sample.js';

test('a package that is not there is named, with what to do', async (t) => {
  const driver = () => Promise.reject(new Error('Cannot find package'));
  const error = await t.throwsAsync<StoreError>(openPostgresStore({ url: 'postgres://h/d', chance, driver }));
  t.is(error?.kind, 'broken');
  t.regex(error?.message ?? '', /needs the package pg, which is not installed: run "npm install pg"/);
});

test('a server that is not there is an outage, which does not tell the password', async (t) => {
  const url = 'postgres://kim:secret@127.0.0.1:1/orders?application_name=x';
  const error = await t.throwsAsync<StoreError>(openPostgresStore({ url, chance }));
  t.is(error?.kind, 'outage');
  t.regex(error?.message ?? '', /^the store could not open postgres:\/\/kim@127\.0\.0\.1:1\/orders: .*ECONNREFUSED/);
});

test('where a store is is told without the password, even one that should have been encoded', (t) => {
  const told = 'postgres://kim@db:5432/orders';
  for (const password of ['secret', '12/secret', '1@secret', '1:secret'])
    t.is(nameOf(`postgres://kim:${password}@db:5432/orders?application_name=x`), told);
  t.is(nameOf('postgresql:///orders?host=/run&password=secret'), 'postgres:///orders');
  t.is(nameOf('postgres://db:5432/orders#secret'), 'postgres://db:5432/orders');
});

withPostgres((server) => {
  const beside = (t: ExecutionContext, url: string) => {
    const db = server.connect(new URL(url).pathname.slice(1));
    t.teardown(() => db.destroy());
    return db;
  };
  /** Runs the steps in a process. Resolves with those it began. */
  const migrateApart = async (url: string, killAt = '') => {
    const main = fileURLToPath(new URL('postgres-migrate-child.js', import.meta.url));
    const child = spawn(process.execPath, [main, url, killAt], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (data) => {
      said += data;
    });
    const [code, signal] = await once(child, 'close');
    return { code, signal, steps: said.split('\n').filter((line) => line !== '') };
  };
  const names = migrations.map(({ name }) => name);

  test('A14 of four processes that make one store at once, one does it and the others find it done', async (t) => {
    const url = await tempDatabase(t, server);
    const ended = await Promise.all(Array.from({ length: 4 }, () => migrateApart(url)));
    t.deepEqual(
      ended.map(({ code }) => code),
      [0, 0, 0, 0],
    );
    t.deepEqual(
      ended.flatMap(({ steps }) => steps),
      names,
    );
    const stores = await Promise.all([openStore(t, { url }), openStore(t, { url })]);
    t.deepEqual(stores[0].identity, stores[1].identity);
  });

  for (const killAt of ['001-log', '004-participants', '006-tombstones']) {
    test(`A14 killed in the migration at ${killAt}, nothing of it is there, and the next one does it`, async (t) => {
      const url = await tempDatabase(t, server);
      t.is((await migrateApart(url, killAt)).signal, 'SIGKILL');
      t.is(await schemaOfDatabase(url), undefined);
      const store = await openStore(t, { url });
      t.is(await store.append(sampleAppend('x1')), 'won');
      t.is((await schemaOfDatabase(url))?.version, schemaVersion);
    });
  }

  test('A14 coordinators go on while the schema is migrated beside them', async (t) => {
    const url = await tempDatabase(t, server);
    const store = await openStore(t, { url });
    await store.saveInstance({
      participant: 'p',
      id: 'i',
      url: 'u',
      handlers: [],
      checks: null,
      resourceGroup: null,
      batch: false,
      sdk: 's',
      ttlMs: 9,
    });
    const lease = { id: sampleAppend('x').appender, host: 'h', pid: 1, leaseMs: 10 };
    const calls = () =>
      Promise.all([
        store.append(sampleAppend(chance.id(), { summary: sampleSummary() })),
        store.renewLease(lease),
        store.leases(),
        store.instances(),
        store.list({ statuses: [], limit: 1 }),
      ]);
    await calls();
    const db = beside(t, url);
    for (const table of ['log', 'transactions', 'leases', 'instances', 'participants', 'audit'])
      await db.raw(`alter table concordat.${table} add column later text`);
    for (let i = 0; i < 5; i++) t.is((await calls())[0], 'won');
  });

  const refusals: Readonly<Record<string, readonly [string, RegExp]>> = {
    'a newer version': [
      `update concordat.meta set value = '99' where key = 'schema'`,
      new RegExp(`was written by a newer version \\(schema 99, this one knows ${schemaVersion}\\): upgrade`),
    ],
    'half a migration, by its steps': [
      `delete from concordat.migrations where name = '006-tombstones'`,
      /was left by a migration that did not finish \(schema 6, steps 001-log, .*\): restore it/,
    ],
    'half a migration, by its lock': [
      'update concordat.migrations_lock set is_locked = 1',
      /was left by a migration that did not finish \(its lock is still held\): restore it/,
    ],
    'tables of something else': [
      'drop table concordat.meta',
      /was left by a migration that did not finish \(there is no table meta\): restore it/,
    ],
    'nothing of who it is': [
      `delete from concordat.meta where key = 'token_key'`,
      /does not say who it is \(origin or token key\): restore it/,
    ],
  };
  for (const [what, [change, message]] of Object.entries(refusals)) {
    test(`A14 G7 a store with ${what} is refused`, async (t) => {
      const url = await tempDatabase(t, server);
      await (await openPostgresStore({ url, chance })).close();
      await beside(t, url).raw(change);
      const error = await t.throwsAsync<StoreError>(openPostgresStore({ url, chance }));
      t.is(error?.kind, 'broken');
      t.regex(error?.message ?? '', message);
      t.regex(error?.message ?? '', /^postgres:\/\/postgres@localhost\/test_\d+ /);
    });
  }

  test('a database that cannot hold every text is refused', async (t) => {
    const name = await server.database();
    const db = server.connect(name);
    await db.raw(`create database ${name}_ascii encoding 'SQL_ASCII' template template0`);
    await db.destroy();
    await t.throwsAsync(openPostgresStore({ url: server.url(`${name}_ascii`), chance }), {
      message: /expected a database with encoding UTF8, got SQL_ASCII/,
    });
  });

  test('a user who may use the schema and make none finds their store', async (t) => {
    const url = await tempDatabase(t, server);
    await (await openPostgresStore({ url, chance })).close();
    const db = beside(t, url);
    const user = `kim_${new URL(url).pathname.slice(1)}`;
    await db.raw(`create role ${user} login; grant usage on schema concordat to ${user};
      grant select, insert, update, delete on all tables in schema concordat to ${user}`);
    const store = await openStore(t, { url: url.replace('postgres@', `${user}@`) });
    t.is(await store.append(sampleAppend('x1', { summary: sampleSummary() })), 'won');
    t.is((await store.tail(null, 1))?.changes.length, 0);
  });

  test('what is told of a store is what is in it, and looking changes nothing', async (t) => {
    const url = await tempDatabase(t, server);
    t.is(await factsOfDatabase(url), undefined);
    const store = await openStore(t, { url });
    await store.append(sampleAppend('a', { summary: sampleSummary({ openedAt: 5 }) }));
    await store.append(
      sampleAppend('b', { summary: sampleSummary({ openedAt: 6, status: 'committed', finishedAt: 9 }) }),
    );
    await store.purge(10, 10);
    t.like(await factsOfDatabase(url), {
      version: schemaVersion,
      pending: [],
      counts: { active: 1 },
      oldestUnfinished: 5,
      tombstones: 1,
    });
  });
});
