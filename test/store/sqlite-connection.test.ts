/** The store's own connection to SQLite, without a store. */
import test from 'ava';
import sqlite3 from 'sqlite3';
import { counters, Gate } from '../../coordinator/store/gate.js';
import { type Around, Connection } from '../../coordinator/store/sqlite/connection.js';
import { toStoreError, verdictOf } from '../../coordinator/store/sqlite/errors.js';
import { StoreError } from '../../coordinator/store/store.js';
import { sqliteError } from './sqlite-disk.js';

const open = async () => {
  const db = new sqlite3.Database(':memory:');
  await new Promise<void>((resolve, reject) =>
    db.exec(`create table meta (key text, value text); insert into meta values ('schema', '3')`, (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  const close = () => new Promise<void>((resolve, reject) => db.close((error) => (error ? reject(error) : resolve())));
  return { db, close };
};

test('a statement that is asked for twice at once is prepared once, and a connection that was released can be closed', async (t) => {
  const { db, close } = await open();
  const count = counters();
  const connection = new Connection(db, undefined, count);
  const answers = await Promise.all([connection.run('answers'), connection.run('answers')]);
  t.deepEqual(answers, [[{ value: '3' }], [{ value: '3' }]]);
  t.is(count.statements, 2);
  await connection.release();
  await t.notThrowsAsync(close());
});

test('a statement that cannot be prepared fails alone, and is prepared again the next time', async (t) => {
  const { db, close } = await open();
  const connection = new Connection(db);
  await t.throwsAsync(connection.run('leases'), { message: /no such table: leases/ });
  await new Promise((resolve) => db.exec('create table leases (id text)', resolve));
  t.deepEqual(await connection.run('leases'), []);
  await connection.release();
  await close();
});

test('work that must not be mixed has its turn one after the other, also after one that failed', async (t) => {
  const { db, close } = await open();
  const said: string[] = [];
  const around: Around = async (name, run) => {
    said.push(name);
    const rows = await run();
    said.push('done');
    return rows;
  };
  const connection = new Connection(db, around);
  const work = (name: string) => async () => {
    said.push(name);
    await connection.run('answers');
    if (name === 'b') throw new Error('b broke');
    return name;
  };
  const settled = await Promise.allSettled(['a', 'b', 'c'].map((name) => connection.exclusive(work(name))));
  t.deepEqual(
    settled.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message)),
    ['a', 'b broke', 'c'],
  );
  t.deepEqual(said, ['a', 'answers', 'done', 'b', 'answers', 'done', 'c', 'answers', 'done']);
  const last = connection.exclusive(work('d'));
  await connection.release();
  t.is(said.at(-1), 'done', 'nothing is let go of while it is at work');
  t.is(await last, 'd');
  await close();
});

const meanings = {
  again: ['BUSY', 'LOCKED', 'PROTOCOL', 'INTERRUPT', 'ABORT', 'SCHEMA'],
  outage: ['FULL', 'READONLY', 'CANTOPEN', 'NOMEM', 'PERM', 'AUTH', 'MISUSE'],
  broken: ['IOERR', 'CORRUPT', 'NOTADB'],
  refused: ['CONSTRAINT', 'MISMATCH', 'TOOBIG', 'ERROR'],
} as const;

for (const [verdict, codes] of Object.entries(meanings)) {
  test(`what is ${verdict}`, (t) => {
    for (const code of codes) t.is(verdictOf(sqliteError(`SQLITE_${code}`)), verdict as never, code);
  });
}

test('an error that is not from SQLite is an answer that got lost', (t) => {
  for (const error of [new Error('gone'), null, undefined, 'SQLITE_FULL', { code: 11 }, { code: 'ECONNRESET' }])
    t.is(verdictOf(error), 'again');
});

test('an error of a call that is no append is told as what it means', (t) => {
  const gate = new Gate();
  const corrupt = new StoreError('corrupt', 'a row');
  t.is(toStoreError(gate, 'load x1', corrupt), corrupt);
  const cause = sqliteError('SQLITE_BUSY');
  t.like(toStoreError(gate, 'load x1', cause), {
    kind: 'outage',
    message: 'the store could not load x1: SQLITE_BUSY: injected',
    cause,
  });
  t.is(toStoreError(gate, 'load x1', 'no words').message, 'the store could not load x1: no words');
  t.is(gate.shut, undefined);
  t.is(toStoreError(gate, 'load x1', sqliteError('SQLITE_IOERR')).kind, 'broken');
  t.is(gate.shut?.kind, 'broken');
});
