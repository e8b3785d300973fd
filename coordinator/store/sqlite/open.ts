/** Opens the file and its connections, and refuses a file that must not be used. */
import { pathToFileURL } from 'node:url';
import knexFactory, { type Knex } from 'knex';
import type * as Sqlite3 from 'sqlite3';
import { planted } from '#faults';
import type { Counters } from '../gate.js';
import { StoreError } from '../store.js';
import { type Around, Connection } from './connection.js';

/** The driver as a value, so that a service on another database never needs to have it. */
export type Driver = Pick<typeof Sqlite3, 'Database'>;

export async function loadDriver(
  load = async (): Promise<Driver> => (await import('sqlite3')).default,
): Promise<Driver> {
  try {
    return await load();
  } catch (error) {
    throw new StoreError(
      'broken',
      'the SQLite store needs the package sqlite3, which is not installed or was not built for this machine: ' +
        'run "npm install sqlite3" (building it takes python3, make and a C++ compiler)',
      error,
    );
  }
}

export interface Connections {
  /** The one that writes. */
  readonly writer: Connection;
  /** Reads of one transaction and of the sweep; the writer itself where the store is in memory. */
  readonly reader: Connection;
  /** Schema, lists and whatever else is not hot, on connections of their own. */
  readonly db: Knex;
  readonly inMemory: boolean;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly path: string;
  readonly busyTimeoutMs: number;
  readonly driver: Driver;
  readonly around: Around | undefined;
  readonly counters: Counters;
}

export async function openConnections(options: OpenOptions): Promise<Connections> {
  return options.path === ':memory:' ? openInMemory(options) : openFile(options);
}

/** List connections: they share the process's four I/O threads with the writer and the reader. */
const listConnections = 2;

async function openFile({ path, busyTimeoutMs, driver, around, counters }: OpenOptions): Promise<Connections> {
  const opened: Sqlite3.Database[] = [];
  const closeAll = async (): Promise<void> => {
    for (const database of opened) await close(database);
  };
  try {
    const writer = await open(driver, path);
    opened.push(writer);
    await execute(writer, `pragma busy_timeout = ${busyTimeoutMs}`);
    await refuseForeign(writer, path);
    await useWriteAheadLog(writer, path);
    await setDurability(writer);
    const reader = await open(driver, path);
    opened.push(reader);
    await execute(reader, `pragma busy_timeout = ${busyTimeoutMs}; pragma query_only = on`);
    const db = knex(path, { min: 0, max: listConnections }, busyTimeoutMs);
    const connections = [new Connection(writer, around, counters), new Connection(reader, around)] as const;
    return {
      writer: connections[0],
      reader: connections[1],
      db,
      inMemory: false,
      close: async () => {
        for (const connection of connections) await connection.release();
        await db.destroy();
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** A database in memory belongs to one connection, so everybody shares that one and takes turns on it. */
async function openInMemory({ busyTimeoutMs, around, counters }: OpenOptions): Promise<Connections> {
  const db = knex(':memory:', { min: 1, max: 1 }, busyTimeoutMs);
  const raw: Sqlite3.Database = await db.client.acquireConnection();
  await db.client.releaseConnection(raw);
  const connection = new Connection(raw, around, counters);
  const close = async (): Promise<void> => {
    await connection.release();
    await db.destroy();
  };
  return { writer: connection, reader: connection, db, inMemory: true, close };
}

/** What goes wrong is in our errors; a library does not write to the console. */
const silent: Knex.Logger = {
  warn: () => undefined,
  error: () => undefined,
  deprecate: () => undefined,
  debug: () => undefined,
};

const knex = (filename: string, pool: Knex.PoolConfig, busyTimeoutMs: number): Knex =>
  knexFactory({
    client: 'sqlite3',
    log: silent,
    connection: { filename },
    useNullAsDefault: true,
    acquireConnectionTimeout: 10_000,
    pool: {
      ...pool,
      afterCreate: (raw: Sqlite3.Database, done: (error: Error | null) => void) =>
        raw.exec(`pragma busy_timeout = ${busyTimeoutMs}; pragma synchronous = full; pragma foreign_keys = on`, done),
    },
  });

/** A connection that changes nothing of the file, for looking at a store that may be in use, old or damaged. */
export const openReadOnly = (path: string, busyTimeoutMs: number): Knex =>
  knexFactory({
    client: 'sqlite3',
    log: silent,
    connection: { filename: `${pathToFileURL(path).href}?mode=ro`, flags: ['OPEN_URI'] },
    useNullAsDefault: true,
    pool: {
      min: 0,
      max: 1,
      afterCreate: (raw: Sqlite3.Database, done: (error: Error | null) => void) =>
        raw.exec(`pragma busy_timeout = ${busyTimeoutMs}`, done),
    },
  });

/** Marks a file as ours, in its header. */
export const applicationId = 0x434f4e43;

/** In one statement: between two, another process may have made the file what it is to be. */
export const whoseFile = `
  select (select application_id from pragma_application_id) as mark, (select count(*) from sqlite_master) as tables`;

async function refuseForeign(writer: Sqlite3.Database, path: string): Promise<void> {
  const [file] = await query(writer, whoseFile);
  if (!isForeign(file)) return;
  throw foreign(path);
}

export const isForeign = (file: Readonly<Record<string, unknown>> | undefined): boolean =>
  file?.mark !== applicationId && !(file?.mark === 0 && file.tables === 0);

export const foreign = (path: string): StoreError =>
  new StoreError('broken', `${path} is a database of something else: name a file of its own for the store`);

/** Two processes that switch at once get in each other's way whatever the timeout: who is refused waits and looks again. */
async function useWriteAheadLog(writer: Sqlite3.Database, path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const [mode] = await query(writer, 'pragma journal_mode = wal');
      if (mode?.journal_mode === 'wal') return;
      throw new StoreError('outage', `${path} cannot be switched to write-ahead logging: is it read-only?`);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'SQLITE_BUSY' || attempt >= 10) throw error;
      // Waiting for the write lock is waiting for the other one to be done.
      await execute(writer, 'begin immediate; rollback').catch(() => undefined);
    }
  }
}

/** With write-ahead logging only FULL makes a commit survive a power cut; NORMAL survives a crash of the process alone. */
async function setDurability(writer: Sqlite3.Database): Promise<void> {
  const level = planted('synchronous-normal') ? 'normal' : 'full';
  await execute(writer, `pragma synchronous = ${level}; pragma foreign_keys = on`);
}

function open(driver: Driver, path: string): Promise<Sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const database: Sqlite3.Database = new driver.Database(path, (error) =>
      error ? reject(error) : resolve(database),
    );
  });
}

const execute = (database: Sqlite3.Database, sql: string): Promise<void> =>
  new Promise((resolve, reject) => {
    database.exec(sql, (error) => (error ? reject(error) : resolve()));
  });

const query = (database: Sqlite3.Database, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  new Promise((resolve, reject) => {
    database.all<Record<string, unknown>>(sql, (error, rows) => (error ? reject(error) : resolve(rows)));
  });

const close = (database: Sqlite3.Database): Promise<void> =>
  new Promise((resolve, reject) => {
    database.close((error) => (error ? reject(error) : resolve()));
  });
