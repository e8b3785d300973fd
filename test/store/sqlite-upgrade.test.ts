import test from 'ava';
import knexFactory from 'knex';
import { migrations } from '../../coordinator/store/migrations/migrations.js';
import { nextAppend, sampleAppend, sampleSummary, xidOf } from './sample.js';
import { openStore, tempFile } from './sqlite-disk.js';

const shapeOfLog = `select sql from sqlite_master where name = 'log'`;

test('a store whose log lies in the order of its key is brought up to date with all of its rows', async (t) => {
  const path = await tempFile(t);
  const first = sampleAppend('x1', { summary: sampleSummary() });
  const second = nextAppend(first, { events: '[{"type":"closed"}]' });
  const other = sampleAppend('x2', { summary: sampleSummary({ name: 'other' }) });
  const before = await openStore(t, { path });
  for (const append of [first, other, second]) await before.append(append);
  const rows = await before.load(xidOf('x1'));
  await before.close();

  const db = knexFactory({ client: 'sqlite3', connection: { filename: path }, useNullAsDefault: true });
  const undone = migrations.slice(2).reverse();
  await db.transaction(async (trx) => {
    for (const { down } of undone) await down(trx);
  });
  await db('migrations')
    .whereIn(
      'name',
      undone.map(({ name }) => name),
    )
    .delete();
  await db('meta').where('key', 'schema').update('value', '2');
  const [{ sql: earlier }] = await db.raw(shapeOfLog);
  t.regex(earlier, /without rowid/);
  await db.destroy();

  const after = await openStore(t, { path });
  t.deepEqual(await after.load(xidOf('x1')), rows);
  const third = nextAppend(second, { summary: sampleSummary({ status: 'committing' }) });
  t.is(await after.append(nextAppend(first)), 'lost');
  t.is(await after.append(third), 'won');
  const { items } = await after.list({ statuses: ['committing'], limit: 10 });
  t.deepEqual(
    items.map(({ xid }) => xid),
    [xidOf('x1')],
  );
});
