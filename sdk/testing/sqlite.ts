import type { Database } from '../resources/database.js';
import { type Content, type Dialect, isOurs, type Row } from './dialect.js';

export const sqlite: Dialect = { contentOf, keysOf, snapshot };

async function contentOf(db: Database): Promise<Content> {
  const content = new Map<string, readonly Row[]>();
  for (const name of await tablesOf(db)) content.set(name, await db(name).select());
  return content;
}

async function keysOf(db: Database): Promise<ReadonlyMap<string, readonly string[]>> {
  const keys = new Map<string, readonly string[]>();
  for (const table of await tablesOf(db)) {
    const columns: readonly { readonly name: string; readonly pk: number }[] = await db.raw(
      'select name, pk from pragma_table_info(?)',
      [table],
    );
    const own = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
    keys.set(table, own);
  }
  return keys;
}

async function tablesOf(db: Database): Promise<readonly string[]> {
  const tables: readonly { readonly name: string }[] = await db('sqlite_master')
    .select('name')
    .where('type', 'table')
    .orderBy('name');
  return tables.flatMap(({ name }) => (isOurs(name) || name.startsWith('sqlite_') ? [] : [name]));
}

async function snapshot(db: Database): Promise<() => Promise<void>> {
  const tables = await Promise.all((await tablesOf(db)).map((name) => ofTable(db, name)));
  const counts = await hasTable(db, 'sqlite_sequence');
  if (counts) tables.push({ kept: 'temp.concordat_kept_sequence', table: 'sqlite_sequence', columns: 'name, seq' });
  await execute(db, tables.map(({ kept, table }) => `create table ${kept} as select * from ${table}`).join(';'));
  const [pragma]: readonly { readonly foreign_keys: number }[] = await db.raw('pragma foreign_keys');
  const script = tables.map(
    ({ kept, table, columns }) =>
      `delete from ${table}; insert into ${table} (${columns}) select ${columns} from ${kept}`,
  );
  let isFenced = false;
  return async () => {
    isFenced ||= await hasTable(db, 'concordat_fence');
    const fence = isFenced ? ['delete from concordat_fence'] : [];
    // One script, as each way to the database's thread and back costs more than the work.
    const steps = ['pragma foreign_keys = off', 'begin', ...fence, ...script, 'commit'];
    await execute(db, [...steps, `pragma foreign_keys = ${pragma?.foreign_keys ?? 0}`].join(';'));
  };
}

interface KeptTable {
  /** Where its rows are kept: beside the database, as long as its connection is open. */
  readonly kept: string;
  readonly table: string;
  readonly columns: string;
}

async function ofTable(db: Database, name: string): Promise<KeptTable> {
  const quoted = (identifier: string): string => db.raw('??', [identifier]).toQuery();
  // Without columns that are generated.
  const columns: readonly { readonly name: string }[] = await db.raw('select name from pragma_table_info(?)', [name]);
  return {
    kept: `temp.${quoted(`concordat_kept_${name}`)}`,
    table: `main.${quoted(name)}`,
    columns: columns.map((column) => quoted(column.name)).join(', '),
  };
}

const hasTable = async (db: Database, name: string): Promise<boolean> =>
  (await db('sqlite_master').where({ type: 'table', name }).first()) !== undefined;

/** What is used of a connection of the driver. */
interface Connection {
  exec(script: string, callback: (error: Error | null) => void): unknown;
}

async function execute(db: Database, script: string): Promise<void> {
  const raw: Connection = await db.client.acquireConnection();
  try {
    await new Promise<void>((resolve, reject) => raw.exec(script, (error) => (error ? reject(error) : resolve())));
  } finally {
    await db.client.releaseConnection(raw);
  }
}
