/** Opens the connections to a server, and refuses one that must not be used. */
import knexFactory, { type Knex } from 'knex';
import type * as Pg from 'pg';
import { planted } from '#faults';
import type { Chance } from '../../clock.js';
import { StoreError } from '../store.js';
import type { TimeSource } from '../time.js';
import { Connection, type ConnectionOptions, Connections } from './connection.js';
import type { Driver } from './driver.js';

export interface OpenConnections {
  /** Appends alone: no other statement ever stands before a commit. */
  readonly writer: Connection;
  /** Leases and the clock alone: however busy the store is, this process does not lose its transactions for it. */
  readonly keeper: Connection;
  /** The sweep alone. */
  readonly sweeper: Connection;
  /** Everything else. */
  readonly others: Connections;
  /** Schema, lists and whatever else is not hot, on connections of their own. */
  readonly db: Knex;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly url: string;
  readonly driver: Driver;
  readonly chance: Pick<Chance, 'draw'>;
  readonly time: Pick<TimeSource, 'monotonic'>;
  /** How long one try waits for a lock of another process; 0: as long as it takes. */
  readonly lockTimeoutMs: number;
  /** How long one statement may take; 0: as long as it takes. */
  readonly statementTimeoutMs: number;
}

const otherConnections = 3;
const listConnections = 2;
const connectMs = 5000;
/** The server ends a statement that takes too long; when it does not even say so, the connection is given up. */
const silenceMs = 3000;
/** A renewal that is not answered leaves time for another before the lease ends, which lasts 10 s unless set otherwise. */
const renewalMs = 4000;

export function openConnections(options: OpenOptions): OpenConnections {
  const { driver, chance, time } = options;
  const make = (does: string, plans: Plans = 'force_custom_plan', more: Pg.ClientConfig = {}): Connection => {
    const prepare: ConnectionOptions['prepare'] = (client) => prepareSession(client, options, plans);
    return new Connection({ driver, config: { ...configOf(options, does), ...more }, prepare, time, chance });
  };
  const [writer, sweeper] = [make('appends', 'force_generic_plan'), make('sweep')];
  const keeper = make('leases', 'force_custom_plan', { query_timeout: renewalMs });
  const others = new Connections(otherConnections, () => make('others'));
  const db = knexOn(options, { min: 0, max: listConnections });
  return {
    writer,
    keeper,
    sweeper,
    others,
    db,
    close: async () => {
      await Promise.all([writer, keeper, sweeper, others].map((each) => each.close()));
      await db.destroy();
    },
  };
}

const int8 = 20;

function configOf({ url, driver, statementTimeoutMs }: OpenOptions, does: string): Pg.ClientConfig {
  return {
    connectionString: url,
    application_name: `concordat ${does}`,
    connectionTimeoutMillis: connectMs,
    query_timeout: statementTimeoutMs && statementTimeoutMs + silenceMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser: (oid, format) => (oid === int8 ? toInteger : driver.types.getTypeParser(oid, format)) },
  };
}

/** One that is too large for a number stays a text, which whoever reads the row does not take for one. */
const toInteger = (text: string): unknown => (Number.isSafeInteger(Number(text)) ? Number(text) : text);

/** In one round trip, as a pooler between may take no settings with the connection. */
const session = `
  select current_setting('server_version_num')::integer as version, current_setting('server_encoding') as encoding,
    set_config('synchronous_commit',
      case when current_setting('synchronous_commit') = 'remote_apply' then 'remote_apply' else $1 end, false) as durability,
    set_config('statement_timeout', $2, false), set_config('lock_timeout', $3, false),
    set_config('idle_in_transaction_session_timeout', $2, false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('client_min_messages', 'error', false),
    set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),
    set_config('jit', 'off', false), set_config('plan_cache_mode', $4, false)`;

/**
 * What is appended goes by a plan that is made once, perhaps while the tables are empty, and is written so that it can be but
 * one. Everything else is planned each time, for the tables as they are.
 */
type Plans = 'force_generic_plan' | 'force_custom_plan';

/**
 * What is acknowledged must have reached the disk, and each statement must see what was committed before it. A table may
 * have grown since it was last analysed: it is read along its indexes all the same, in their order.
 */
async function prepareSession(
  client: Pg.Client,
  { statementTimeoutMs, lockTimeoutMs }: OpenOptions,
  plans: Plans,
): Promise<void> {
  const durability = planted('synchronous-normal') ? 'off' : 'on';
  const values = [durability, String(statementTimeoutMs), String(lockTimeoutMs), plans];
  const [row] = (await client.query<Record<string, unknown>>(session, values)).rows;
  if (Number(row?.version) < versionMin * 10_000)
    throw new StoreError(
      'broken',
      `expected PostgreSQL ${versionMin} or later, got version ${Math.floor(Number(row?.version) / 10_000)}: upgrade it`,
    );
  if (row?.encoding !== 'UTF8')
    throw new StoreError('broken', `expected a database with encoding UTF8, got ${row?.encoding}: make another`);
  if (row.durability !== durability && row.durability !== 'remote_apply')
    throw new StoreError('broken', `expected synchronous_commit to be on, got ${row.durability}: let this user set it`);
}

const versionMin = 13;

/** What goes wrong is in our errors; a library does not write to the console. */
const silent: Knex.Logger = {
  warn: () => undefined,
  error: () => undefined,
  deprecate: () => undefined,
  debug: () => undefined,
};

export const knexOn = (options: OpenOptions, pool: Knex.PoolConfig): Knex =>
  knexFactory({
    client: 'pg',
    log: silent,
    connection: configOf(options, 'lists') as Knex.PgConnectionConfig,
    acquireConnectionTimeout: connectMs * 2,
    pool: {
      ...pool,
      idleTimeoutMillis: 10_000,
      // One whose answer was given up is gone for all we know, and may not say so for minutes.
      validate: (client: Pg.Client & { readonly readyForQuery: boolean }) => client.readyForQuery,
      afterCreate: (client: Pg.Client, done: (error: unknown, client: Pg.Client) => void) => {
        prepareSession(client, options, 'force_custom_plan').then(
          () => done(null, client),
          (error) => done(error, client),
        );
      },
    },
  });
