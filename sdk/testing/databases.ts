/** What stands in databases, and what is different between two looks at them. */
import type { Database } from '../resources/database.js';

export type Row = Readonly<Record<string, unknown>>;
/** By table. */
export type Content = ReadonlyMap<string, readonly Row[]>;
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

/** Of SQLite only: what it does not know it cannot compare. */
const isReadable = ({ db }: NamedDatabase): boolean => db.client.driverName === 'sqlite3';

const isOurs = (table: string): boolean => table.startsWith('concordat_');

export async function contentsOf(databases: readonly NamedDatabase[]): Promise<Contents> {
  const readable = databases.filter(isReadable);
  return new Map(await Promise.all(readable.map(async ({ name, db }) => [name, await contentOf(db)] as const)));
}

async function contentOf(db: Database): Promise<Content> {
  const content = new Map<string, readonly Row[]>();
  for (const name of await tablesOf(db)) content.set(name, await db(name).select());
  return content;
}

/** The user's own, by name. */
export async function tablesOf(db: Database): Promise<readonly string[]> {
  const tables: readonly { readonly name: string }[] = await db('sqlite_master')
    .select('name')
    .where('type', 'table')
    .orderBy('name');
  return tables.flatMap(({ name }) => (isOurs(name) || name.startsWith('sqlite_') ? [] : [name]));
}

/** Columns of the primary key, by database and table: `payment.accounts`. */
export async function keysOf(databases: readonly NamedDatabase[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const keys = new Map<string, readonly string[]>();
  for (const each of databases) {
    if (!isReadable(each)) continue;
    for (const table of await tablesOf(each.db)) {
      const columns: readonly { readonly name: string; readonly pk: number }[] = await each.db.raw(
        'select name, pk from pragma_table_info(?)',
        [table],
      );
      const own = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
      keys.set(`${each.name}.${table}`, own);
    }
  }
  return keys;
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
