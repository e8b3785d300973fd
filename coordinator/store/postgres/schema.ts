/** Brings a database to the current schema, or refuses it. Everything is one transaction: killed half-way, nothing of it is there. */
import type { Knex } from 'knex';
import type { Origin } from '../../../sdk/protocol/ids.js';
import type { Chance } from '../../clock.js';
import { type Identity, StoreError } from '../store.js';
import { migrationSource, migrations, type StepName, schemaVersion } from './migrations/migrations.js';
import { clock, schema } from './statements.js';

const migrationTable = 'migrations';
const lockTable = `${migrationTable}_lock`;

/** Hears of each step before it runs. */
export type OnStep = (name: StepName) => void;

export async function prepareSchema(
  db: Knex,
  store: string,
  chance: Pick<Chance, 'id'>,
  onStep: OnStep = () => undefined,
): Promise<Identity> {
  if ((await versionOf(db, store)) < schemaVersion) {
    await db.transaction(async (trx) => {
      // Of two processes one waits for the other, and then finds everything done.
      await trx.raw(`select pg_advisory_xact_lock(hashtextextended('${schema} schema', 0))`);
      // A step that waits for a table is waited for by everybody who uses it.
      await trx.raw(`set local lock_timeout = '5s'`);
      if ((await versionOf(trx, store)) < schemaVersion) await migrate(trx, chance, onStep);
    });
  }
  await bringBack(db);
  return readIdentity(db, store);
}

/** 0 where there is none. Throws for one that is newer than this code or not as a finished migration leaves it. */
export async function versionOf(db: Knex, store: string): Promise<number> {
  const tables = new Set(await db('pg_catalog.pg_tables').where('schemaname', schema).pluck('tablename'));
  if (tables.size === 0) return 0;
  const halfDone = (what: string): StoreError =>
    new StoreError(
      'broken',
      `${store} was left by a migration that did not finish (${what}): restore it from a back-up`,
    );
  for (const table of ['meta', migrationTable, lockTable]) {
    if (!tables.has(table)) throw halfDone(`there is no table ${table}`);
  }
  const version = Number(await metaOf(db, 'schema'));
  const done: readonly string[] = await from(db, migrationTable).orderBy('id').pluck('name');
  if (version > schemaVersion || done.length > schemaVersion) {
    throw new StoreError(
      'broken',
      `${store} was written by a newer version (schema ${Math.max(version, done.length)}, this one knows ${schemaVersion}): upgrade`,
    );
  }
  if (await from(db, lockTable).where('is_locked', 1).first()) throw halfDone('its lock is still held');
  if (done.length !== version || done.some((name, index) => name !== migrations[index]?.name)) {
    throw halfDone(`schema ${version}, steps ${done.join(', ') || 'none'}`);
  }
  return version;
}

async function migrate(trx: Knex, chance: Pick<Chance, 'id'>, onStep: OnStep): Promise<void> {
  // Asked for first: who may not make one in this database may still use one that was made for them.
  const isThere = await trx('pg_catalog.pg_namespace').where('nspname', schema).first('nspname');
  if (!isThere) await trx.raw(`create schema ${schema}`);
  await trx.migrate.latest({ migrationSource: telling(onStep), tableName: migrationTable, schemaName: schema });
  const drawn = { origin: chance.id(), token_key: chance.id() + chance.id(), created_at: trx.raw(`(${clock})::text`) };
  for (const [key, value] of Object.entries(drawn)) {
    await from(trx, 'meta').insert({ key, value }).onConflict('key').ignore();
  }
  await from(trx, 'meta')
    .insert({ key: 'schema', value: String(schemaVersion) })
    .onConflict('key')
    .merge();
}

const telling = (onStep: OnStep): typeof migrationSource => ({
  ...migrationSource,
  getMigration: async (step) => ({
    ...step,
    up(db: Knex) {
      onStep(step.name);
      return step.up(db);
    },
  }),
});

/**
 * After a dump was read into another server, rows come from transactions that are yet to be there: new rows would lie
 * before them. All rows are put before those, and whoever read on from one of them is told that it is gone: also from one
 * whose number that server has had, for what came after it there may have a number that it has not.
 */
async function bringBack(db: Knex): Promise<void> {
  const fromElsewhere = 'born >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint';
  const some = await from(db, 'log').whereRaw(fromElsewhere).first('born');
  if (some) await from(db, 'log').where('born', '>', 0).update({ born: 0 });
}

async function readIdentity(db: Knex, store: string): Promise<Identity> {
  const origin = await metaOf(db, 'origin');
  const tokenKey = await metaOf(db, 'token_key');
  if (!origin || !tokenKey || !/^[0-9a-f]{64}$/.test(tokenKey)) {
    throw new StoreError('broken', `${store} does not say who it is (origin or token key): restore it from a back-up`);
  }
  return { origin: origin as Origin, tokenKey };
}

const metaOf = async (db: Knex, key: string): Promise<string | undefined> =>
  (await from(db, 'meta').where({ key }).first('value'))?.value;

const from = (db: Knex, table: string) => db.withSchema(schema).from(table);
