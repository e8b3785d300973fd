/** What stands in databases, and what is different between two looks at them. */
import type { Database } from '../resources/database.js';
import type { Content, Dialect, Row } from './dialect.js';
import { postgres } from './postgres.js';
import { sqlite } from './sqlite.js';

export type { Content, Row } from './dialect.js';
/** By the name of the database. */
export type Contents = ReadonlyMap<string, Content>;

/** A database with the names that it has in stories. */
export interface NamedDatabase {
  readonly name: string;
  readonly db: Database;
}

/** The databases of participants and others, each once. */
export function namedDatabases(
  participants: readonly { readonly name: string; readonly db: Database | undefined }[],
  others: Readonly<Record<string, Database>>,
): readonly NamedDatabase[] {
  const names = new Map<Database, string>();
  for (const { name, db } of participants) if (db && !names.has(db)) names.set(db, name);
  for (const [name, db] of Object.entries(others)) if (!names.has(db)) names.set(db, name);
  return [...names].map(([db, name]) => ({ name, db }));
}

/** By the driver that knex was given. */
const dialects: Readonly<Record<string, Dialect>> = Object.freeze({ sqlite3: sqlite, pg: postgres });

const dialectOf = (db: Database): Dialect | undefined => dialects[String(db.client.driverName)];

/** Of databases that can be read: what is not known cannot be compared. */
export async function contentsOf(databases: readonly NamedDatabase[]): Promise<Contents> {
  const contents = databases.map(async ({ name, db }) => {
    const content = await dialectOf(db)?.contentOf(db);
    return content ? [[name, content] as const] : [];
  });
  return new Map((await Promise.all(contents)).flat());
}

/** So that the numbers of new rows are the same, whatever was rolled back before. */
export const levelCounters = (databases: readonly NamedDatabase[]): Promise<unknown> =>
  Promise.all(databases.map(({ db }) => dialectOf(db)?.levelCounters?.(db)));

/** Columns of the primary key, by database and table: `payment.accounts`. */
export async function keysOf(databases: readonly NamedDatabase[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const keys = new Map<string, readonly string[]>();
  for (const { name, db } of databases) {
    const own = await dialectOf(db)?.keysOf(db);
    for (const [table, columns] of own ?? []) keys.set(`${name}.${table}`, columns);
  }
  return keys;
}

/**
 * Takes a picture of a database, and returns what puts its tables back as they were in it. For `reset`: faster than to make a
 * new database for each case. The fence's rows go. For a database that knex opened with the driver `sqlite3`, on one connection
 * (knex's default for it), or `pg`, as a user who may say `set session_replication_role`; rejects with TypeError for another
 * driver or user.
 */
export async function snapshot(db: Database): Promise<() => Promise<void>> {
  const dialect = dialectOf(db);
  if (dialect) return dialect.snapshot(db);
  const known = Object.keys(dialects).join(', ');
  throw new TypeError(
    `snapshot: expected a knex client of ${known}, got '${db.client.driverName}'; say a reset of your own`,
  );
}

/** Tables that are different, as `payment.accounts`. */
export function changedTables(before: Contents, after: Contents): readonly string[] {
  const changed: string[] = [];
  for (const [name, content] of after) {
    for (const [table, rows] of content) {
      const old = before.get(name)?.get(table) ?? [];
      if (textOf(old) !== textOf(rows)) changed.push(`${name}.${table}`);
    }
  }
  return changed;
}

const textOf = (rows: readonly Row[]): string => JSON.stringify(rows.map((row) => JSON.stringify(row)).sort());
