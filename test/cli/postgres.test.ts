/** The commands that work on a store, on PostgreSQL. */
import test from 'ava';
import { migrations, schemaVersion } from '../../coordinator/store/postgres/migrations/migrations.js';
import { openPostgresStore } from '../../coordinator/store/postgres/store.js';
import { withPostgres } from '../helpers/with-postgres.js';
import { chance, sampleAppend, sampleSummary } from '../store/sample.js';
import { folder, run } from './processes.js';

withPostgres((server) => {
  const names = migrations.map(({ name }) => name);

  test('a store is checked, made, looked at and purged by its address, and no password is shown', async (t) => {
    const url = server.url(await server.database()).replace('postgres@', 'postgres:secret@');
    const shown = `postgres://postgres@localhost${new URL(url).pathname}`;
    const around = { directory: folder(t), env: { CONCORDAT_STORE: url } };
    const said: string[] = [];
    const command = async (...args: readonly string[]) => {
      const ended = await run(args, around);
      said.push(ended.out, ended.err);
      return ended;
    };

    const check = await command('migrate', '--check');
    t.is(check.code, 1);
    t.is(check.out, `${shown} is not there yet; to run:\n${names.map((name) => `  ${name}\n`).join('')}`);
    t.regex((await command('doctor')).out, new RegExp(`there is no store in ${shown}`));
    t.regex(
      (await command('purge', '--finished-before', '1d')).err,
      new RegExp(`expected a store, got nothing at ${shown}`),
    );
    const made = await command('migrate', '--json');
    t.deepEqual(JSON.parse(made.out), { store: shown, from: 0, to: schemaVersion, steps: names, done: true });
    t.is((await command('migrate', '--check')).code, 0);

    const store = await openPostgresStore({ url, chance });
    await store.append(sampleAppend('a', { summary: sampleSummary({ status: 'parked' }) }));
    await store.append(sampleAppend('b', { summary: sampleSummary({ status: 'committed', finishedAt: 1_000 }) }));
    const doctor = await command('doctor');
    t.regex(doctor.out, new RegExp(`${shown}: .*, 1 finished transaction, 0 tombstones; no coordinator runs on it`));
    t.regex(doctor.out, /PostgreSQL \d+.* runs with fsync=off, full_page_writes=off: what was acknowledged is gone/);
    t.regex(doctor.out, /1 parked: each waits for a person/);
    const purge = await command('purge', '--finished-before', '1d', '--json');
    t.like(JSON.parse(purge.out), { store: shown, transactions: 1 });
    t.is((await store.audit({ limit: 5 })).items[0]?.action, 'purge');
    await store.close();
    t.notRegex(said.join('\n'), /secret/);
  });

  test('a server that is not there is named by every command, without the password', async (t) => {
    const around = { directory: folder(t), env: { CONCORDAT_STORE: 'postgres://kim:secret@127.0.0.1:1/orders' } };
    for (const args of [['migrate'], ['purge', '--finished-before', '1d'], ['doctor'], ['serve']]) {
      const { code, out, err } = await run(args, around);
      t.is(code, 1, args[0]);
      t.regex(out + err, /postgres:\/\/kim@127\.0\.0\.1:1\/orders.*ECONNREFUSED/, args[0]);
      t.notRegex(out + err, /secret/);
    }
  });
});
