/** The connection as a handler has it: what it lets through, and what it notes. */
import test from 'ava';
import sqlite3 from 'sqlite3';
import { driverOf } from '../../sdk/resources/fence/sqlite/driver.js';
import { GuardedConnection, onlyReads } from '../../sdk/resources/fence/sqlite/guarded.js';
import type { Teardown } from './bank.js';

async function guarded(t: Teardown, swallowsBegin = false) {
  const raw = new sqlite3.Database(':memory:');
  t.teardown(() => new Promise((resolve) => raw.close(resolve)));
  const driver = driverOf(raw);
  await driver.run('begin');
  const connection = new GuardedConnection(driver, { swallowsBegin });
  const said: string[] = [];
  const say = (sql: string, method: 'all' | 'run' = 'all') =>
    new Promise<unknown>((resolve) =>
      connection[method](sql, [], function (error, rows) {
        said.push(error ? error.message : 'done');
        resolve(error ?? (method === 'all' ? rows : this));
      }),
    );
  return { connection, say, said };
}

const ends = [
  'begin',
  'BEGIN;',
  'commit',
  ' Commit',
  'end',
  'end transaction',
  'rollback',
  'rollback;',
  'rollback transaction',
  'rollback tomorrow',
  ';commit',
  ' ; ; commit',
  '-- a word\ncommit',
  '--\n--\nend',
  '/* a\nword */ rollback',
  '/* a */ /* b */;-- c\n rollback',
  '/**/commit',
];

const passes = [
  'select 1',
  'committed',
  'endless',
  'beginning',
  'select commit',
  '-- commit',
  '/* commit */ select 1',
  'rollback to here',
  'ROLLBACK  TO SAVEPOINT trx1;',
  'rollback transaction to here',
  'rollback  transaction  to here',
];

test('a statement that ends the transaction is refused, however it is written, and what looks like one is not', async (t) => {
  const { say, connection } = await guarded(t);
  for (const sql of ends) {
    const error = (await say(sql)) as Error;
    const shown = `tx.db: the fence begins and ends this transaction, so "${sql.trim().slice(0, 20)}" is not for the handler`;
    t.is(error.message, `${shown}: return to keep the work, throw to take it back`, JSON.stringify(sql));
  }
  t.false(connection.mayHaveWritten);
  for (const sql of passes) t.notRegex(String(await say(sql)), /the fence begins/, JSON.stringify(sql));
});

test('a transaction within the transaction is noted until it is over, by either end', async (t) => {
  const { say, connection } = await guarded(t);
  t.false(connection.isNested);
  for (const end of ['RELEASE SAVEPOINT trx1;', 'ROLLBACK TO SAVEPOINT trx1']) {
    await say('SAVEPOINT trx1;');
    t.true(connection.isNested);
    await say('SAVEPOINT trx22');
    await say('RELEASE SAVEPOINT trx22');
    t.true(connection.isNested);
    await say(end);
    t.false(connection.isNested, end);
  }
  for (const sql of ['savepoint trx3', 'SAVEPOINT mine', 'SAVEPOINT trx', 'SAVEPOINT trx4x']) await say(sql);
  t.false(connection.isNested, 'the others are for whoever wrote them');
  await say('SAVEPOINT nothing; SAVEPOINT trx5');
  t.false(connection.isNested);
});

test('rows and counts come back as from the database itself', async (t) => {
  const { say } = await guarded(t);
  await say('create table a (b integer primary key)', 'run');
  t.like(await say('insert into a values (7), (8)', 'run'), { lastID: 8, changes: 2 });
  t.deepEqual(await say('select b from a'), [{ b: 7 }, { b: 8 }]);
  t.deepEqual(await say('select b from a where b > 8'), []);
});

test('what does more than read is noted', async (t) => {
  for (const [sql, writes] of [
    ['select 1', false],
    [' \n SELECT 1', false],
    ['selected', true],
    ['with a as (select 1) select * from a', true],
    ['pragma user_version', true],
    ['create table a (b); select 1', true],
    ["select count(*), upper ('a') from sqlite_master where type in ('table')", false],
    ['select abs(1) + random()', true],
    ['select random ()', true],
    ['select "abs"(1)', true],
  ] as const) {
    const { connection, say } = await guarded(t);
    await say(sql);
    t.is(connection.mayHaveWritten, writes, sql);
    await say('select 1');
    t.is(connection.mayHaveWritten, writes, sql);
  }
});

test('the first begin is swallowed where knex says one of its own, and no other', async (t) => {
  const { say, connection } = await guarded(t, true);
  t.deepEqual(await say('BEGIN;'), []);
  t.false(connection.mayHaveWritten);
  t.is(await say('BEGIN;').then(String), '', 'it has done nothing yet');
  await say('select 1');
  t.regex(String(await say('BEGIN;')), /the fence begins and ends/);
  const other = await guarded(t, true);
  t.regex(String(await other.say('begin')), /the fence begins and ends/);
});

test('statements that are asked for together run one after the other, and the end waits for them', async (t) => {
  const { connection, say, said } = await guarded(t);
  const asked = ['create table a (b)', 'insert into a values (1)', 'select * from nowhere', 'select b from a'].map(
    (sql) => say(sql),
  );
  const end = connection.end('it is over').then(() => said.push('end'));
  await Promise.all([...asked, end]);
  t.deepEqual(said, ['done', 'done', 'SQLITE_ERROR: no such table: nowhere', 'done', 'end']);
  t.deepEqual(await asked[3], [{ b: 1 }]);
  t.true(connection.over);
  t.is(((await say('select 1')) as Error).message, 'tx.db was used after its end: it is over');
  await connection.end('again');
  t.is(((await say('select 1')) as Error).message, 'tx.db was used after its end: it is over');
  t.is(connection.lost, undefined);
});

test('I6 H2 once the database rolled all back, nothing more goes through', async (t) => {
  const { connection, say, said } = await guarded(t);
  await say('create table a (b integer primary key)');
  await say('insert into a values (1)');
  const asked = [say('insert or rollback into a values (1)'), say('insert into a values (2)'), say('select 1')];
  await Promise.all(asked);
  await say('select 2');
  const why = 'the database rolled the transaction back: SQLITE_CONSTRAINT: UNIQUE constraint failed: a.b';
  t.deepEqual(said.slice(2), [why, why, 'SQLITE_CONSTRAINT: UNIQUE constraint failed: a.b', why]);
  t.is(connection.lost?.message, 'SQLITE_CONSTRAINT: UNIQUE constraint failed: a.b');
  await t.notThrowsAsync(connection.end('over'));
});

test('only what surely changes nothing counts as reading', (t) => {
  const reads = [
    'select * from `accounts` where `owner` = ?',
    ' SELECT count(*) as n, coalesce(max(`cents`), 0) from accounts where id in (?, ?) and not exists (select 1 from b)',
    'select sum(`a`) over (order by `b`) from c',
  ];
  const others = [
    'insert into a values (1)',
    'with gone as (select 1) delete from a',
    'select optimize(t) from t',
    "select load_extension('x')",
    'select "f"(1)',
    '-- select\nupdate a set b = 1',
    'pragma user_version = 1',
    'savepoint trx1',
  ];
  t.deepEqual(
    reads.map(onlyReads),
    reads.map(() => true),
  );
  t.deepEqual(
    others.map(onlyReads),
    others.map(() => false),
  );
});
