/** What becomes of commands when the connection that their database is on fails, at each of its statements. */
import test from 'ava';
import knexFactory, { type Knex } from 'knex';
import type { Database } from 'sqlite3';
import { Refused } from '../../sdk/protocol/answers.js';
import { fenceTableOf, giveFenceTable } from '../../sdk/resources/fence/open.js';
import { driverOf } from '../../sdk/resources/fence/sqlite/driver.js';
import { thinHandles } from '../../sdk/resources/fence/sqlite/handle.js';
import { sqliteFenceTable } from '../../sdk/resources/fence/sqlite/table.js';
import { connect, effect, effects, fileOf, handlerOf, openBank, rows, startBank, word } from './bank.js';

async function rawOf(db: Knex): Promise<Database> {
  const raw: Database = await db.client.acquireConnection();
  await db.client.releaseConnection(raw);
  return raw;
}

const close = (raw: Database): Promise<void> =>
  new Promise((resolve, reject) => raw.close((error) => (error ? reject(error) : resolve())));

test('without a connection nothing is known of any that wait, and none waits for ever', async (t) => {
  const { db, send } = await startBank(t);
  await send('action', { xid: 'warm' });
  await db.destroy();
  const settled = await Promise.allSettled(['x1', 'x2'].map((xid) => send('action', { xid })));
  t.deepEqual(
    settled.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
});

test('a connection that was lost goes out of the pool, and the next command has another', async (t) => {
  const { db, send } = await startBank(t);
  await send('action', { xid: 'warm' });
  await close(await rawOf(db));
  await t.throwsAsync(send('action'), { message: /SQLITE_MISUSE/ });
  t.is(word(await send('action')), 'done');
  t.deepEqual(await effects(db), ['do warm.1', 'do x1.1']);
});

test('so does one that is lost while a handler works, and nothing of its work is kept', async (t) => {
  let loses = true;
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      await effect(tx, 'do');
      if (loses) await close(raw);
    },
  });
  const { db, send } = await startBank(t, { saga });
  await send('try', { xid: 'warm' });
  const raw = await rawOf(db);
  await t.throwsAsync(send('action'), { message: /SQLITE_MISUSE/ });
  t.deepEqual([await effects(db), (await rows(db)).length], [['do warm.1'], 1]);
  loses = false;
  t.is(word(await send('action')), 'done');
});

test('a connection on which the database ended the transaction by itself stays in the pool', async (t) => {
  const saga = handlerOf('saga', {
    forward: async (_input, tx) =>
      tx.db.raw(`insert or rollback into effects (id, effect) values (1, 'same')`).then(() => null),
  });
  const { db, send } = await startBank(t, { saga });
  await db('effects').insert({ id: 1, effect: 'first' });
  const raw = await rawOf(db);
  await t.throwsAsync(send('action'), { message: /UNIQUE constraint failed/ });
  t.is(await rawOf(db), raw);
});

test('a statement that fails leaves the rest of the work as it is: one in the text, one in the data', async (t) => {
  const said: string[] = [];
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      await effect(tx, 'before');
      for (const sql of [
        'select * from nowhere',
        `insert into effects (id, effect) values (1, 'same')`,
        'pragma no such',
      ]) {
        await tx.db.raw(sql).catch((error: Error) => said.push(error.message));
      }
      await effect(tx, 'after');
    },
  });
  const { db, send } = await startBank(t, { saga });
  await db('effects').insert({ id: 1, effect: 'first' });
  t.is(word(await send('action')), 'done');
  t.deepEqual(await effects(db), ['first', 'before x1.1', 'after x1.1']);
  t.is(said.length, 3);
  for (const [index, part] of ['no such table: nowhere', 'UNIQUE constraint failed', 'syntax error'].entries())
    t.true(said[index]?.includes(part), said[index]);
});

test('D3 where the place of a refused command is taken while nothing is held, what is there is the answer', async (t) => {
  const tcc = handlerOf('tcc', {
    forward: async (_input, tx) => {
      await effect(tx, 'do');
      throw new Refused('no');
    },
  });
  const { db, send } = await startBank(t, { tcc });
  await send('action', { xid: 'warm' });
  const other = connect(fileOf(db));
  t.teardown(() => other.destroy());
  const beside = await startBank(t, {}, { db: other });
  const driver = driverOf(await rawOf(db));
  const run = driver.run.bind(driver);
  driver.run = async (name, ...values) => {
    const answer = await run(name, ...values);
    if (name === 'rollback') await beside.send('cancel');
    return answer;
  };
  t.is(word(await send('try')), 'refused suppressed');
  t.deepEqual(await rows(db), [
    { xid: 'warm', phase: 1, op: 'action', outcome: 'done' },
    { xid: 'x1', phase: 1, op: 'cancel', outcome: 'empty' },
    { xid: 'x1', phase: 2, op: 'cancel', outcome: 'empty' },
  ]);
  t.deepEqual(await effects(db), ['do warm.1']);
});

test('H4 a commit that a reader holds up is tried three times, and done when it lets go meanwhile', async (t) => {
  const { db, send } = await startBank(t);
  await db.raw('pragma journal_mode = delete');
  await send('action', { xid: 'warm' });
  const reader = connect(fileOf(db), '', 'delete');
  t.teardown(() => reader.destroy());
  const driver = driverOf(await rawOf(db));
  const run = driver.run.bind(driver);
  const commitsUntil = async (letsGoAfter: number) => {
    const reading = await reader.transaction();
    await reading('effects').select();
    let commits = 0;
    driver.run = async (name, ...values) => {
      if (name === 'commit' && commits++ === letsGoAfter) await reading.commit();
      return run(name, ...values);
    };
    const said = await send('action', { xid: `x${letsGoAfter}` }).then(word, (error: Error) => error.message);
    if (!reading.isCompleted()) await reading.commit();
    return `${said} after ${commits}`;
  };
  t.is(await commitsUntil(2), 'done after 3');
  t.regex(await commitsUntil(3), /^SQLITE_BUSY.* after 3$/);
});

test('a table that cannot be made says why', async (t) => {
  const db = await openBank(t);
  const table = sqliteFenceTable(db, { monotonic: () => 0 });
  await db.raw('pragma query_only = on');
  await t.throwsAsync(table.prepare(), { message: /SQLITE_READONLY/ });
  await db.raw('pragma query_only = off');
  await t.notThrowsAsync(table.prepare());
});

test('a database that is none is told what was expected', (t) => {
  const none: readonly [unknown, RegExp][] = [
    [null, /expected what knex\(.*got null/],
    [undefined, /got a undefined/],
    [{ client: { driverName: 'sqlite3' } }, /got a object/],
    [Object.assign(() => undefined, { client: {} }), /got a function/],
    [
      Object.assign(() => undefined, { client: { driverName: 'db2' } }),
      /a knex client of sqlite3.*, got 'db2'; a handler/,
    ],
  ];
  for (const [db, message] of none)
    t.throws(() => fenceTableOf(db as Knex, { monotonic: () => 0 }), { instanceOf: TypeError, message });
});

test('where knex is built otherwise there are no thin handles', async (t) => {
  const db = await openBank(t);
  t.is(typeof (await thinHandles(db)), 'function');
  const change = (into: (trx: Knex.Transaction) => unknown) =>
    ({
      transaction: async (config: object) => {
        const trx = await db.transaction(config);
        await into(trx);
        return trx;
      },
    }) as unknown as Knex;
  t.is(await thinHandles(change((trx) => trx.raw('select 1'))), undefined, 'it says more than begin');
  t.is(
    await thinHandles(change((trx) => Object.assign(trx, { isTransaction: false }))),
    undefined,
    'it looks otherwise',
  );
});

test('PostgreSQL has a fence of its own', async (t) => {
  const log = { warn: () => undefined, error: () => undefined };
  const db = knexFactory({ client: 'pg', connection: { host: '127.0.0.1', port: 1 }, log });
  t.teardown(() => db.destroy());
  await t.throwsAsync(fenceTableOf(db, { monotonic: () => 0 }).prepare(), { message: /ECONNREFUSED/ });
});

test('a database has one fence, also one that was given', async (t) => {
  const db = await openBank(t);
  const made = fenceTableOf(db, { monotonic: () => 0 });
  t.is(fenceTableOf(db, { monotonic: () => 0 }), made);
  const given = sqliteFenceTable(db, { monotonic: () => 0 });
  giveFenceTable(db, given);
  t.is(fenceTableOf(db, { monotonic: () => 0 }), given);
});
