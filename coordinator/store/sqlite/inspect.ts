/** Looks at a store from outside, without changing it: neither its schema nor who it is is made or brought up to date. */
import { stat } from 'node:fs/promises';
import type { Knex } from 'knex';
import type { TransactionStatus } from '../../../sdk/protocol/views.js';
import type { StoreFacts, StoreSchema } from '../facts.js';
import { toInstance } from '../instances.js';
import { migrations, schemaVersion } from '../migrations/migrations.js';
import { toLease } from '../rows.js';
import { StoreError } from '../store.js';
import { tombstoneVersion } from '../tombstone.js';
import { foreign, isForeign, loadDriver, openReadOnly, whoseFile } from './open.js';
import { versionOf } from './schema.js';

/** Where its schema stands; undefined when there is no file. Rejects with StoreError for one that must not be used. */
export async function schemaOfFile(path: string): Promise<StoreSchema | undefined> {
  if (!(await sizeOf(path))) return undefined;
  return look(path, (db) => readSchema(db, path));
}

/** What there is to know of it; undefined when there is no file. Rejects as {@link schemaOfFile} does. */
export async function factsOfFile(path: string): Promise<StoreFacts | undefined> {
  const bytes = await sizeOf(path);
  if (!bytes) return undefined;
  return look(path, async (db) => {
    const schema = await readSchema(db, path);
    const empty = { counts: {}, oldestUnfinished: null, tombstones: 0, instances: [] };
    const contents = schema.version === 0 ? empty : await readContents(db, schema.version);
    return { ...schema, ...contents, bytes, walBytes: await sizeOf(`${path}-wal`) };
  });
}

/** What SQLite finds wrong with the file, a line each. Reads all of it. */
export const damageOfFile = (path: string): Promise<readonly string[]> =>
  look(path, async (db) => {
    const rows: readonly Record<string, unknown>[] = await db.raw('pragma quick_check(10)');
    return rows.map((row) => String(Object.values(row)[0])).filter((line) => line !== 'ok');
  });

/** A new store has an empty file for a moment: it counts as none. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw new StoreError('outage', `${path} cannot be looked at: ${(error as Error).message}`, error);
  }
}

async function look<T>(path: string, work: (db: Knex) => Promise<T>): Promise<T> {
  await loadDriver();
  const db = openReadOnly(path, 2000);
  try {
    return await work(db);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    // What stands before it is the statement.
    const because = (error as Error).message.split(' - ').at(-1);
    throw new StoreError('outage', `${path} cannot be read: ${because}`, error);
  } finally {
    await db.destroy();
  }
}

async function readSchema(db: Knex, path: string): Promise<StoreSchema> {
  const [file] = await db.raw(whoseFile);
  if (isForeign(file)) throw foreign(path);
  const version = await versionOf(db, path);
  const pending = migrations.slice(version).map(({ name }) => name);
  const leases = version === 0 ? [] : (await db('leases').orderBy('renewed_at', 'desc')).map(toLease);
  return { version, known: schemaVersion, pending, leases };
}

async function readContents(db: Knex, version: number) {
  const counted: readonly { status: TransactionStatus; count: number; oldest: number }[] = await db('transactions')
    .groupBy('status')
    .select('status', db.raw('count(*) as count'), db.raw('min(opened_at) as oldest'));
  const open = counted.filter(({ status }) => !['committed', 'rolled_back', 'resolved'].includes(status));
  const [{ tombstones }] =
    version < schemaVersion
      ? [{ tombstones: 0 }]
      : await db.raw(`select count(*) as tombstones from log where version = ${tombstoneVersion}`);
  return {
    counts: Object.fromEntries(counted.map(({ status, count }) => [status, count])),
    oldestUnfinished: open.length === 0 ? null : Math.min(...open.map(({ oldest }) => oldest)),
    tombstones: Number(tombstones),
    instances: version < 2 ? [] : (await db('instances').orderBy(['participant', 'id'])).map(toInstance),
  };
}
