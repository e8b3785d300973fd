import type { Database, OpenTransaction } from '../../database.js';
import { checkColumns, toldOf } from '../made.js';
import type { FenceTable, Place, Visit, Visitor } from '../table.js';
import { type Driver, driverOf, type Row } from './driver.js';
import { isUnprepared } from './errors.js';
import { type GroupLimits, groupLimits, VisitGroups } from './group.js';
import { thinHandles } from './handle.js';
import { visitIn } from './joined.js';
import { schema } from './statements.js';

export interface SqliteFenceOptions {
  readonly limits?: Partial<GroupLimits>;
  /** Ms that only grow. */
  readonly monotonic: () => number;
  /** `knex`: each handler gets a transaction that knex made, the slow way. */
  readonly handles?: 'thin' | 'knex';
}

/** The fence's table in a SQLite database that knex opened with the driver `sqlite3`. */
export function sqliteFenceTable(db: Database, options: SqliteFenceOptions): FenceTable {
  let ready: Promise<VisitGroups> | undefined;
  const groups = (): Promise<VisitGroups> => {
    ready ??= makeGroups(db, options);
    return ready;
  };
  let made: VisitGroups | undefined;
  return {
    prepare: () => withDriver(db, prepare),
    async visit<T>(place: Place, visitor: Visitor<T>): Promise<T> {
      made ??= await groups();
      return told(made.visit(place, visitor));
    },
    clean: (origin, before, rowsMax) =>
      withDriver(db, async (driver) => (await driver.run('clean', origin, before, rowsMax)).length),
  };
}

/** A visit inside a transaction that the caller began and commits. What is undone is undone to a savepoint. */
export const visitSqliteIn =
  (trx: OpenTransaction): Visit =>
  (place, visitor) =>
    told(visitIn(trx, place, visitor));

async function makeGroups(db: Database, options: SqliteFenceOptions): Promise<VisitGroups> {
  const thin = options.handles === 'knex' ? undefined : await thinHandles(db);
  return new VisitGroups({ db, thin, monotonic: options.monotonic, limits: { ...groupLimits, ...options.limits } });
}

const told = toldOf(isUnprepared);

async function prepare(driver: Driver): Promise<void> {
  for (const sql of schema) await execute(driver, sql);
  const there = (await execute(driver, `select name from pragma_table_info('concordat_fence')`)).map(
    ({ name }) => name,
  );
  checkColumns(there);
}

const execute = (driver: Driver, sql: string): Promise<readonly Row[]> =>
  new Promise((resolve, reject) => {
    driver.raw.all<Row>(sql, (error, rows) => (error ? reject(error) : resolve(rows)));
  });

async function withDriver<T>(db: Database, work: (driver: Driver) => Promise<T>): Promise<T> {
  const raw = await db.client.acquireConnection();
  try {
    return await work(driverOf(raw));
  } finally {
    await db.client.releaseConnection(raw);
  }
}
