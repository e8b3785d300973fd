import createKnex, { type Knex } from 'knex';

interface Connection {
  exec(sql: string, done: (error: Error | null) => void): void;
}

/** What SQLite waits for a lock that another process holds. Short: the caller is told to ask again. */
const lockWaitMs = 1000;

/**
 * A service's own database: one writing connection, so the service's transactions are serial. FULL: what was answered
 * is there after a power cut too.
 */
export function openDatabase(filename: string): Knex {
  const pragmas = `PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=${lockWaitMs}`;
  return createKnex({
    client: 'sqlite3',
    connection: { filename },
    useNullAsDefault: true,
    pool: {
      min: 1,
      max: 1,
      afterCreate: (connection: Connection, done: (error: Error | null, connection: Connection) => void) =>
        connection.exec(pragmas, (error) => done(error, connection)),
    },
  });
}

/** Whether an error says that somebody else holds the database. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'SQLITE_BUSY' || error.code === 'SQLITE_LOCKED');
