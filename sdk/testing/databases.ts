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
  const contents = new Map<string, Content>();
  for (const each of databases) if (isReadable(each)) contents.set(each.name, await contentOf(each.db));
  return contents;
}

async function contentOf(db: Database): Promise<Content> {
  const content = new Map<string, readonly Row[]>();
  const tables: readonly { readonly name: string }[] = await db('sqlite_master')
    .select('name')
    .where('type', 'table')
    .whereNot('name', 'like', 'sqlite\\_%')
    .orderBy('name');
  for (const { name } of tables) if (!isOurs(name)) content.set(name, await db(name).select());
  return content;
}

/** Columns of the primary key, by database and table: `payment.accounts`. */
export async function keysOf(databases: readonly NamedDatabase[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const keys = new Map<string, readonly string[]>();
  for (const each of databases) {
    if (!isReadable(each)) continue;
    for (const table of (await contentOf(each.db)).keys()) {
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

/**
 * Takes a picture of a database, and returns what puts its tables back as they were in it. For `reset`: faster than to make a
 * new database for each case. The fence's rows go. Of SQLite only.
 */
export async function snapshot(db: Database): Promise<() => Promise<void>> {
  const content = await contentOf(db);
  const counters: readonly Row[] = await db('sqlite_sequence')
    .select()
    .catch(() => []);
  return async () => {
    const fence = await db('sqlite_master').where({ type: 'table', name: 'concordat_fence' }).first();
    await db.raw('pragma foreign_keys = off');
    await db.transaction(async (trx) => {
      if (fence) await trx('concordat_fence').delete();
      for (const [table, rows] of content) {
        await trx(table).delete();
        for (const row of rows) await trx(table).insert(row);
      }
      if (counters.length > 0) await trx('sqlite_sequence').delete();
      for (const row of counters) await trx('sqlite_sequence').insert(row);
    });
    await db.raw('pragma foreign_keys = on');
  };
}
