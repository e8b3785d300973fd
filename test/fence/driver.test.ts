/** The prepared statements of one connection: which are kept, for how long, and what becomes of them. */
import test from 'ava';
import type { Database, Statement } from 'sqlite3';
import { driverOf, isWorthKeeping } from '../../sdk/resources/fence/sqlite/driver.js';
import { isBusy, isConstraint, isUnprepared } from '../../sdk/resources/fence/sqlite/errors.js';
import { openBank, type Teardown } from './bank.js';

async function openDriver(t: Teardown) {
  const db = await openBank(t);
  const raw: Database = await db.client.acquireConnection();
  await db.client.releaseConnection(raw);
  const driver = driverOf(raw);
  const keep = (sql: string): Promise<Statement> =>
    new Promise((resolve, reject) => driver.keep(sql, (error, made) => (error ? reject(error) : resolve(made))));
  return { db, raw, driver, keep };
}

const all = (statement: Statement): Promise<unknown[]> =>
  new Promise((resolve, reject) =>
    statement.all((error: Error | null, rows: unknown[]) => (error ? reject(error) : resolve(rows))),
  );

const finalized = /finalized|SQLITE_MISUSE/;

test('a connection has one driver', async (t) => {
  const { raw, driver } = await openDriver(t);
  t.is(driverOf(raw), driver);
});

test('ordinary statements of ordinary length are worth keeping, others are not', (t) => {
  for (const verb of ['insert', 'update', 'delete', 'select', 'with', 'SELECT'])
    t.true(isWorthKeeping(` \n${verb} x`), verb);
  for (const sql of ['pragma x', 'create table x (insert text)', 'selected', '']) t.false(isWorthKeeping(sql), sql);
  t.true(isWorthKeeping(`select ${'x'.repeat(3993)}`));
  t.false(isWorthKeeping(`select ${'x'.repeat(3994)}`));
});

test('a statement that was kept is there again, and gone once it was dropped', async (t) => {
  const { driver, keep } = await openDriver(t);
  t.is(driver.kept('select 1 as one'), undefined);
  const made = await keep('select 1 as one');
  t.is(driver.kept('select 1 as one'), made);
  t.deepEqual(await all(made), [{ one: 1 }]);
  driver.drop('select 1 as one');
  t.is(driver.kept('select 1 as one'), undefined);
  await t.throwsAsync(all(made), { message: finalized });
  t.notThrows(() => driver.drop('select 1 as one'));
});

test('a statement that cannot be prepared is told and not kept', async (t) => {
  const { driver, keep } = await openDriver(t);
  await t.throwsAsync(keep('select * from nowhere'), { message: /no such table: nowhere/ });
  t.is(driver.kept('select * from nowhere'), undefined);
});

test('of two that were prepared at once one is kept, and the other lets go', async (t) => {
  const { driver, keep } = await openDriver(t);
  const made = await Promise.all([keep('select 1 as one'), keep('select 1 as one')]);
  const kept = driver.kept('select 1 as one');
  // Which of them was ready last is up to the threads that prepare them.
  const [other] = made.filter((statement) => statement !== kept);
  t.true(kept !== undefined && made.includes(kept) && other !== undefined);
  t.deepEqual(await all(kept as Statement), [{ one: 1 }]);
  await t.throwsAsync(all(other as Statement), { message: finalized });
});

test('a hundred are kept; one more lets the one go that was not used for longest', async (t) => {
  const { driver, keep } = await openDriver(t);
  const made = new Map<number, Statement>();
  for (let number = 1; number <= 100; number++) made.set(number, await keep(`select ${number}`));
  t.is(driver.kept('select 1'), made.get(1), 'used again');
  await keep('select 101');
  t.is(driver.kept('select 2'), undefined);
  await t.throwsAsync(all(made.get(2)!), { message: finalized });
  for (const number of [1, 3, 100, 101]) t.truthy(driver.kept(`select ${number}`), `${number}`);
});

test('a connection that is closed lets go of all, which would keep it open otherwise', async (t) => {
  const { db, raw, driver, keep } = await openDriver(t);
  await driver.run('begin');
  await driver.run('rollback');
  await keep('select 1');
  await new Promise<void>((resolve, reject) => raw.close((error) => (error ? reject(error) : resolve())));
  Object.assign(raw, { __knex__disposed: true });
  t.is(driver.kept('select 1'), undefined);
  await t.throwsAsync(driver.run('begin'), { message: /SQLITE_MISUSE/ });
  t.deepEqual(await db.raw('select 2 as two'), [{ two: 2 }], 'the pool opens another');
});

test('what an error of the database means', (t) => {
  const coded = (code: unknown) => Object.assign(new Error('said'), { code });
  t.deepEqual(
    ['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_LOCKED', 'SQLITE_FULL', undefined, 'MY_SQLITE_BUSY'].map((code) =>
      isBusy(coded(code)),
    ),
    [true, true, true, false, false, false],
  );
  t.deepEqual(
    ['SQLITE_CONSTRAINT', 'SQLITE_CONSTRAINT_FOREIGNKEY', 'SQLITE_BUSY', undefined].map((code) =>
      isConstraint(coded(code)),
    ),
    [true, true, false, false],
  );
  for (const thrown of [null, undefined, 'SQLITE_BUSY'])
    t.deepEqual([isBusy(thrown), isConstraint(thrown)], [false, false]);
  t.true(isUnprepared(new Error('SQLITE_ERROR: no such table: concordat_fence')));
  for (const other of [
    new Error('no such table: concordat_fences'),
    new Error('concordat_fence'),
    'no such table: concordat_fence',
  ])
    t.false(isUnprepared(other));
});
