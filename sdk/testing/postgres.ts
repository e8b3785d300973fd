import type { Database } from '../resources/database.js';
import { type Content, type Dialect, isOurs, type Row } from './dialect.js';

export const postgres: Dialect = { contentOf, keysOf, levelCounters, snapshot };

interface Table {
  readonly name: string;
  /** As it stands in SQL, with its schema. */
  readonly quoted: string;
  /** Of the primary key. */
  readonly key: readonly string[];
  /** As they stand in SQL, without those that are generated. */
  readonly columns: string;
}

const tables = new WeakMap<Database, Promise<readonly Table[]>>();
const levellings = new WeakMap<Database, Promise<string>>();

/** Asked once of each database: tables are made before the first case, and asking costs more than reading a few rows. */
function keptFor<T extends object | string>(
  known: WeakMap<Database, Promise<T>>,
  db: Database,
  ask: (db: Database) => Promise<T>,
): Promise<T> {
  const answer = known.get(db) ?? ask(db);
  known.set(db, answer);
  return answer;
}

/** All rows of all tables in one statement, as JSON: so numbers are numbers and times are texts, whatever their type. */
async function contentOf(db: Database): Promise<Content> {
  const all = await tablesOf(db);
  const parts = all.map(({ quoted }) => `(select coalesce(json_agg(t), '[]') from ${quoted} t)`);
  const told = await toldBy(db, `select json_build_array(${parts.join(', ')})::text as told`);
  const rows = JSON.parse(told) as readonly (readonly Row[])[];
  return new Map(all.map(({ name }, index) => [name, rows[index] ?? []]));
}

async function keysOf(db: Database): Promise<ReadonlyMap<string, readonly string[]>> {
  return new Map((await tablesOf(db)).map(({ name, key }) => [name, key]));
}

/** Those that a query finds by their bare name. */
const tablesOf = (db: Database): Promise<readonly Table[]> => keptFor(tables, db, readTables);

async function readTables(db: Database): Promise<readonly Table[]> {
  const told = await toldBy(
    db,
    `select coalesce(json_agg(each order by name), '[]')::text as told from (
      select c.relname as name, format('%I.%I', n.nspname, c.relname) as quoted,
        (select coalesce(json_agg(a.attname), '[]') from pg_index i join pg_attribute a on a.attrelid = c.oid
          where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey)) as key,
        (select string_agg(format('%I', a.attname), ', ' order by a.attnum) from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and not c.relispartition and pg_table_is_visible(c.oid)
        and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'
    ) each`,
  );
  return (JSON.parse(told) as readonly Table[]).filter(({ name }) => !isOurs(name));
}

/** Those of serial and identity columns. */
async function levelCounters(db: Database): Promise<void> {
  const levelling = await keptFor(levellings, db, levellingOf);
  if (levelling !== '') await toldBy(db, `select ${levelling}`);
}

const levellingOf = (db: Database): Promise<string> =>
  toldBy(
    db,
    `select coalesce(string_agg(format('setval(%L, (select greatest(coalesce(max(%I) + 1, %s), %s) from %s), false)',
      c.oid::regclass, a.attname, s.seqstart, s.seqstart, t.oid::regclass), ', '), '') as told
    from pg_class c join pg_sequence s on s.seqrelid = c.oid
      join pg_depend d on d.objid = c.oid and d.classid = 'pg_class'::regclass
        and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
      join pg_class t on t.oid = d.refobjid
      join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
    where s.seqincrement > 0 and pg_table_is_visible(t.oid)`,
  );

/**
 * Each table has a copy beside it, which goes when the next picture is taken. Deleting and inserting a few rows is faster than
 * `truncate` and than a database from a template, and needs nobody else to be gone.
 */
async function snapshot(db: Database): Promise<() => Promise<void>> {
  await assertMayReplicate(db);
  const all = (await tablesOf(db)).map((table, index) => ({ ...table, kept: `concordat_kept_${index + 1}` }));
  const keeping = all.flatMap(({ quoted, kept }) => [
    `drop table if exists ${kept}`,
    `create unlogged table ${kept} as select * from ${quoted}`,
  ]);
  await script(db, keeping);
  const filling = all.map(
    ({ quoted, kept, columns }) =>
      `delete from ${quoted}; insert into ${quoted} (${columns}) overriding system value select ${columns} from ${kept}`,
  );
  const counting = await sequencesOf(db);
  // Neither foreign keys nor triggers look at it: it is not the user's doing.
  const back = ['set local session_replication_role = replica', ...filling, ...counting];
  let isFenced = false;
  return async () => {
    isFenced ||= (await toldBy(db, `select (to_regclass('concordat_fence') is not null)::text as told`)) === 'true';
    await script(db, isFenced ? [...back, 'delete from concordat_fence'] : back);
  };
}

async function assertMayReplicate(db: Database): Promise<void> {
  try {
    await script(db, ['set local session_replication_role = replica']);
  } catch (error) {
    throw new TypeError(
      'snapshot: expected a user who may set session_replication_role, so that foreign keys and triggers do not come into it; ' +
        'connect as a superuser, or say a reset of your own',
      { cause: error },
    );
  }
}

/** What puts the counters back, so that each case gives the same numbers. */
async function sequencesOf(db: Database): Promise<readonly string[]> {
  const names = JSON.parse(
    await toldBy(
      db,
      `select coalesce(json_agg(format('%I.%I', n.nspname, c.relname)), '[]')::text as told
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'S' and pg_table_is_visible(c.oid) and n.nspname <> 'pg_catalog'`,
    ),
  ) as readonly string[];
  return Promise.all(
    names.map((name) =>
      toldBy(
        db,
        `select format('select setval(%L, %s, %L)', '${name.replaceAll("'", "''")}', last_value, is_called) as told from ${name}`,
      ),
    ),
  );
}

/** What is used of a connection of the driver. */
interface Connection {
  query(text: string): Promise<{ readonly rows: readonly { readonly told?: unknown }[] }>;
}

/** The one text that a query tells. Past knex, where a user may have changed what rows look like. */
async function toldBy(db: Database, sql: string): Promise<string> {
  const { rows } = await withConnection(db, (raw) => raw.query(sql));
  return String(rows[0]?.told);
}

/** One way to the server and back, and one transaction. */
const script = (db: Database, steps: readonly string[]): Promise<unknown> =>
  withConnection(db, (raw) => raw.query(['begin', ...steps, 'commit'].join(';\n')).catch(rolledBack(raw)));

const rolledBack = (raw: Connection) => async (error: unknown) => {
  await raw.query('rollback');
  throw error;
};

async function withConnection<T>(db: Database, work: (raw: Connection) => Promise<T>): Promise<T> {
  const raw: Connection = await db.client.acquireConnection();
  try {
    return await work(raw);
  } finally {
    await db.client.releaseConnection(raw);
  }
}
