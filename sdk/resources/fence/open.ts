import type { Database, OpenTransaction } from '../database.js';
import { postgresFenceTable, visitPostgresIn } from './postgres/table.js';
import { sqliteFenceTable, visitSqliteIn } from './sqlite/table.js';
import type { FenceTable, Visit } from './table.js';

/** The fence on one kind of database. */
interface Dialect {
  readonly table: (db: Database, options: { readonly monotonic: () => number }) => FenceTable;
  readonly visitIn: (trx: OpenTransaction) => Visit;
}

/** By the driver that knex was given. */
const dialects: Readonly<Record<string, Dialect>> = Object.freeze({
  sqlite3: { table: sqliteFenceTable, visitIn: visitSqliteIn },
  pg: { table: (db) => postgresFenceTable(db), visitIn: visitPostgresIn },
});

const tables = new WeakMap<Database, FenceTable>();

/** Gives a database that knex did not open its fence: a simulator's. */
export const giveFenceTable = (db: Database, table: FenceTable): void => void tables.set(db, table);

/** The one fence of a database in this process. Throws TypeError with what to do when it cannot have one. */
export function fenceTableOf(db: Database, { monotonic }: { readonly monotonic: () => number }): FenceTable {
  const known = tables.get(db);
  if (known) return known;
  const dialect = dialectOf(db);
  if (db.isTransaction) throw new TypeError('db: expected a knex instance, got a transaction of one');
  const table = dialect.table(db, { monotonic });
  tables.set(db, table);
  return table;
}

/** Visits inside a transaction that the caller began and commits. Throws TypeError as {@link fenceTableOf}. */
export const visitIn = (trx: OpenTransaction): Visit => dialectOf(trx).visitIn(trx);

function dialectOf(db: Database): Dialect {
  const driver: unknown = db?.client?.driverName;
  if (typeof db !== 'function' || typeof driver !== 'string')
    throw new TypeError(`db: expected what knex({client: 'sqlite3' or 'pg', …}) answers, got ${describe(db)}`);
  const dialect = dialects[driver];
  if (dialect) return dialect;
  const known = Object.keys(dialects).join(', ');
  throw new TypeError(
    `db: expected a knex client of ${known}, got '${driver}'; a handler on another database can say fence: 'none' and see to repeats itself`,
  );
}

const describe = (thing: unknown): string => (thing === null ? 'null' : `a ${typeof thing}`);
