/** Looks at a store from outside, without changing it: neither its schema nor who it is is made or brought up to date. */
import type { Knex } from 'knex';
import type { TransactionStatus } from '../../../sdk/protocol/views.js';
import type { StoreFacts, StoreSchema } from '../facts.js';
import { toInstance } from '../instances.js';
import { toLease } from '../rows.js';
import { StoreError } from '../store.js';
import { systemTime } from '../time.js';
import { tombstoneVersion } from '../tombstone.js';
import { loadDriver } from './driver.js';
import { reasonOf } from './errors.js';
import { migrations, schemaVersion } from './migrations/migrations.js';
import { nameOf } from './name.js';
import { knexOn } from './open.js';
import { versionOf } from './schema.js';
import { schema } from './statements.js';

/** Where its schema stands; undefined when there is none. Rejects with StoreError for one that must not be used. */
export const schemaOfDatabase = (url: string): Promise<StoreSchema | undefined> =>
  look(url, (db) => readSchema(db, url));

/** What there is to know of it; undefined when there is none. Rejects as {@link schemaOfDatabase} does. */
export const factsOfDatabase = (url: string): Promise<StoreFacts | undefined> =>
  look(url, async (db) => {
    const found = await readSchema(db, url);
    return found && { ...found, ...(await readContents(db)), walBytes: 0 };
  });

/** The server's settings that what is acknowledged depends on, by their names. */
export type ServerSettings = Readonly<
  Record<'server_version' | 'fsync' | 'full_page_writes' | 'synchronous_commit', string>
>;

export const settingsOfServer = (url: string): Promise<ServerSettings> =>
  look(url, async (db) => {
    const names = ['server_version', 'fsync', 'full_page_writes', 'synchronous_commit'];
    const { rows } = await db.raw(`select name, current_setting(name) as value from unnest(?::text[]) as name`, [
      names,
    ]);
    return Object.fromEntries(
      (rows as readonly Record<string, string>[]).map(({ name, value }) => [name, value]),
    ) as ServerSettings;
  });

async function look<T>(url: string, work: (db: Knex) => Promise<T>): Promise<T> {
  const driver = await loadDriver();
  const timeouts = { lockTimeoutMs: 2000, statementTimeoutMs: 30_000 };
  const db = knexOn({ url, driver, chance: { draw: () => 0 }, time: systemTime, ...timeouts }, { min: 0, max: 1 });
  try {
    return await work(db);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('outage', `${nameOf(url)} cannot be read: ${reasonOf(error)}`, error);
  } finally {
    await db.destroy();
  }
}

async function readSchema(db: Knex, url: string): Promise<StoreSchema | undefined> {
  const version = await versionOf(db, nameOf(url));
  if (version === 0) return undefined;
  const pending = migrations.slice(version).map(({ name }) => name);
  const leases = await db.withSchema(schema).from('leases').orderBy('renewed_at', 'desc');
  return { version, known: schemaVersion, pending, leases: leases.map(toLease) };
}

async function readContents(db: Knex) {
  const counted: readonly { status: TransactionStatus; count: number; oldest: number }[] = await db
    .withSchema(schema)
    .from('transactions')
    .groupBy('status')
    .select('status', db.raw('count(*) as count'), db.raw('min(opened_at) as oldest'));
  const open = counted.filter(({ status }) => !['committed', 'rolled_back', 'resolved'].includes(status));
  const tombstones = db.withSchema(schema).from('log').where('version', tombstoneVersion).count('* as tombstones');
  const size = db.raw(
    `select sum(pg_total_relation_size(format('%I.%I', schemaname, tablename)::regclass))::bigint as bytes
     from pg_tables where schemaname = ?`,
    [schema],
  );
  return {
    counts: Object.fromEntries(counted.map(({ status, count }) => [status, count])),
    oldestUnfinished: open.length === 0 ? null : Math.min(...open.map(({ oldest }) => oldest)),
    tombstones: Number((await tombstones)[0]?.tombstones),
    bytes: Number((await size).rows[0]?.bytes),
    instances: (await db.withSchema(schema).from('instances').orderBy(['participant', 'id'])).map(toInstance),
  };
}
