import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { migrations, schemaVersion } from '../../coordinator/store/migrations/migrations.js';
import { schemaOfFile } from '../../coordinator/store/sqlite/inspect.js';
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import { chance, nextAppend, sampleAppend, sampleSummary, xidOf } from '../store/sample.js';
import { execute, takeBack } from './old-store.js';
import { folder, run, startServe } from './processes.js';

const names = migrations.map(({ name }) => name);
/** The oldest schema with a registry, which is the oldest that `doctor` knows all of. */
const oldest = 2;

/** A store of an older version, with a transaction in it. */
async function oldStore(t: ExecutionContext): Promise<{ readonly directory: string; readonly path: string }> {
  const directory = folder(t);
  const path = join(directory, 'concordat.db');
  const store = await openSqliteStore({ path, chance });
  const first = sampleAppend('x1', { summary: sampleSummary() });
  for (const append of [first, nextAppend(first)]) await store.append(append);
  await store.close();
  await takeBack(path, oldest);
  return { directory, path };
}

test('a store is brought up to date step by step, and nothing of it is lost', async (t) => {
  const { directory, path } = await oldStore(t);
  const check = await run(['migrate', '--check'], { directory });
  t.is(check.code, 1);
  t.is(
    check.out,
    `${path} has schema ${oldest}, this version needs ${schemaVersion}; to run:\n${names
      .slice(oldest)
      .map((name) => `  ${name}\n`)
      .join('')}`,
  );
  const done = await run(['migrate'], { directory });
  t.is(done.code, 0, done.err);
  for (const name of names.slice(oldest)) t.regex(done.out, new RegExp(`^${name} … \\d+ ms$`, 'm'));
  t.regex(done.out, /is up to date: schema \d+, \d+ steps?\n$/);
  t.is((await run(['migrate', '--check'], { directory })).code, 0);
  const store = await openSqliteStore({ path, chance });
  t.teardown(() => store.close());
  t.is((await store.load(xidOf('x1'))).length, 2);
});

test('for machines it is one JSON object', async (t) => {
  const { directory, path } = await oldStore(t);
  const check = await run(['migrate', '--check', '--json'], { directory });
  const report = { store: path, from: oldest, to: schemaVersion, steps: names.slice(oldest) };
  t.deepEqual(JSON.parse(check.out), { ...report, done: false });
  t.deepEqual(JSON.parse((await run(['migrate', '--json'], { directory })).out), { ...report, done: true });
});

test('--check makes nothing where there is nothing', async (t) => {
  const directory = folder(t);
  const check = await run(['migrate', '--check'], { directory });
  t.is(check.code, 1);
  t.regex(check.out, /is not there yet; to run:\n {2}001-log\n/);
  t.false(existsSync(join(directory, 'concordat.db')));
});

test('A14 killed at any step of a migration, a store is as it was, and is brought up to date by the next one', async (t) => {
  for (const name of names.slice(oldest)) {
    const { path } = await oldStore(t);
    const child = fork(fileURLToPath(new URL('migrate-child.js', import.meta.url)), [path, name]);
    const [, signal] = await once(child, 'exit');
    t.is(signal, 'SIGKILL', name);
    t.is((await schemaOfFile(path))?.version, oldest, name);
    const store = await openSqliteStore({ path, chance });
    t.is((await store.load(xidOf('x1'))).length, 2, name);
    await store.close();
  }
});

test('A14 G7 a half-migrated store and one of a newer version are refused, and left as they are', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['delete from migrations', /was left by a migration that did not finish/],
    [
      `update meta set value = '99' where key = 'schema'`,
      /was written by a newer version \(schema 99, this one knows \d+\): upgrade/,
    ],
  ];
  for (const [statement, message] of cases) {
    const { directory, path } = await oldStore(t);
    await execute(path, statement);
    const before = readFileSync(path);
    for (const args of [['migrate'], ['migrate', '--check'], ['purge', '--finished-before', '1d']]) {
      const ended = await run(args, { directory });
      t.is(ended.code, 1, args.join(' '));
      t.regex(ended.err, message, args.join(' '));
    }
    t.deepEqual(readFileSync(path), before);
  }
});

test('while a coordinator runs on the store it is refused', async (t) => {
  const directory = folder(t);
  const { stop, child } = await startServe(t, [], { directory });
  // As a coordinator of an older version would have it.
  await execute(
    join(directory, 'test.db'),
    `delete from migrations where name = '${names.at(-1)}'`,
    `update meta set value = '${schemaVersion - 1}' where key = 'schema'`,
  );
  const ended = await run(['migrate', '--store', 'sqlite:test.db'], { directory });
  t.is(ended.code, 1);
  t.regex(ended.err, new RegExp(`in use by coordinator [0-9a-f]{32} \\(process ${child.pid} on .*\\): stop it first`));
  await stop();
});
