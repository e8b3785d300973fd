/** Brings a file to the current schema, or refuses it. Everything is one transaction: killed half-way, nothing of it is there. */
import type { Knex } from 'knex';
import type { CoordinatorId, Origin } from '../../../sdk/protocol/ids.js';
import type { Chance } from '../../clock.js';
import { migrationSource, migrations, schemaVersion } from '../migrations/migrations.js';
import { toLease } from '../rows.js';
import { type Identity, StoreError } from '../store.js';
import { applicationId } from './open.js';

const migrationTable = 'migrations';
const lockTable = `${migrationTable}_lock`;

export type StepName = (typeof migrations)[number]['name'];
/** Hears of each step before it runs. */
export type OnStep = (name: StepName) => void;

export async function prepareSchema(
  db: Knex,
  path: string,
  chance: Chance,
  now: number,
  onStep: OnStep = () => undefined,
): Promise<Identity> {
  if ((await versionOf(db, path)) < schemaVersion) {
    await db.transaction(async (trx) => {
      // A write comes first: it takes the lock before anything is read, so of two processes one waits for the other.
      await trx.raw(`pragma application_id = ${applicationId}`);
      if ((await versionOf(trx, path)) < schemaVersion) await migrate(trx, chance, now, onStep);
    });
  }
  return readIdentity(db, path);
}

/** 0 for an empty file. Throws for one that is newer than this code or not as a finished migration leaves it. */
export async function versionOf(db: Knex, path: string): Promise<number> {
  const tables = new Set(await db('sqlite_master').where('type', 'table').pluck('name'));
  if (tables.size === 0) return 0;
  const halfDone = (what: string): StoreError =>
    new StoreError(
      'broken',
      `${path} was left by a migration that did not finish (${what}): restore it from a back-up`,
    );
  for (const table of ['meta', migrationTable, lockTable]) {
    if (!tables.has(table)) throw halfDone(`there is no table ${table}`);
  }
  const version = Number(await metaOf(db, 'schema'));
  const done: readonly string[] = await db(migrationTable).orderBy('id').pluck('name');
  if (version > schemaVersion || done.length > schemaVersion) {
    throw new StoreError(
      'broken',
      `${path} was written by a newer version (schema ${Math.max(version, done.length)}, this one knows ${schemaVersion}): upgrade`,
    );
  }
  if (await db(lockTable).where('is_locked', 1).first()) throw halfDone('its lock is still held');
  if (done.length !== version || done.some((name, index) => name !== migrations[index]?.name)) {
    throw halfDone(`schema ${version}, steps ${done.join(', ') || 'none'}`);
  }
  return version;
}

async function migrate(trx: Knex, chance: Chance, now: number, onStep: OnStep): Promise<void> {
  await trx.migrate.latest({ migrationSource: telling(onStep), tableName: migrationTable });
  const drawn = { origin: chance.id(), token_key: chance.id() + chance.id(), created_at: String(now) };
  for (const [key, value] of Object.entries(drawn)) {
    await trx('meta').insert({ key, value }).onConflict('key').ignore();
  }
  await trx('meta')
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

async function readIdentity(db: Knex, path: string): Promise<Identity> {
  const origin = await metaOf(db, 'origin');
  const tokenKey = await metaOf(db, 'token_key');
  if (!origin || !tokenKey || !/^[0-9a-f]{64}$/.test(tokenKey)) {
    throw new StoreError('broken', `${path} does not say who it is (origin or token key): restore it from a back-up`);
  }
  return { origin: origin as Origin, tokenKey };
}

const metaOf = async (db: Knex, key: string): Promise<string | undefined> =>
  (await db('meta').where({ key }).first('value'))?.value;

/** Refuses a file in which a coordinator of another machine is alive: the two would not see each other's locks. */
export async function refuseOtherHost(db: Knex, path: string, host: string, now: number): Promise<void> {
  const leases = (await db('leases').whereNot({ host })).map(toLease);
  const alive = leases.find(({ renewedAt, leaseMs }) => renewedAt + leaseMs > now);
  if (!alive) return;
  throw new StoreError(
    'outage',
    `${path} is in use by ${describe(alive.id, alive.pid)} on host ${alive.host}, and this is ${host}: a SQLite store ` +
      `belongs to one host. Stop that one; its lease runs out in ${alive.renewedAt + alive.leaseMs - now} ms`,
  );
}

const describe = (id: CoordinatorId, pid: number): string => `coordinator ${id} (process ${pid})`;
