import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import sqlite3 from 'sqlite3';
import type { Driver } from '../../coordinator/store/sqlite/open.js';
import { openSqliteStore, type SqliteStoreOptions } from '../../coordinator/store/sqlite/store.js';
import type { Store } from '../../coordinator/store/store.js';
import { chance } from './sample.js';

export async function tempFile(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'concordat-store-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'store.db');
}

/** Opens a store that closes with the test. */
export async function openStore(
  t: ExecutionContext,
  options: Partial<SqliteStoreOptions> & { path: string },
): Promise<Store> {
  const store = await openSqliteStore({ chance, ...options });
  t.teardown(() => store.close());
  return store;
}

/** A connection of the test's own to the same file. */
export async function peek(t: ExecutionContext, path: string): Promise<Peek> {
  const database = await new Promise<sqlite3.Database>((resolve, reject) => {
    const made: sqlite3.Database = new sqlite3.Database(path, (error) => (error ? reject(error) : resolve(made)));
  });
  t.teardown(() => new Promise<void>((resolve) => database.close(() => resolve())));
  return peekAt(database);
}

export interface Peek {
  all(sql: string): Promise<readonly Record<string, unknown>[]>;
  exec(sql: string): Promise<void>;
}

export const peekAt = (database: sqlite3.Database): Peek => ({
  all: (sql) =>
    new Promise((resolve, reject) => {
      database.all<Record<string, unknown>>(sql, (error, rows) => (error ? reject(error) : resolve(rows)));
    }),
  exec: (sql) => new Promise((resolve, reject) => database.exec(sql, (error) => (error ? reject(error) : resolve()))),
});

/** The real driver, but the test can get at the store's own connections; the writer is the first. */
export function watchedDriver(): {
  readonly driver: () => Promise<Driver>;
  readonly writer: () => Peek;
  readonly raw: () => sqlite3.Database;
} {
  const opened: sqlite3.Database[] = [];
  class Database extends sqlite3.Database {
    constructor(filename: string, ...rest: unknown[]) {
      super(filename, ...(rest as []));
      opened.push(this);
    }
  }
  const raw = () => opened[0]!;
  return { driver: async () => ({ Database: Database as Driver['Database'] }), writer: () => peekAt(raw()), raw };
}

export const sqliteError = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });
