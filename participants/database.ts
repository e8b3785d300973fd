import { pathToFileURL } from 'node:url';
import createKnex, { type Knex } from 'knex';

interface Connection {
  exec(sql: string, done: (error: Error | null) => void): void;
}

type Created = (error: Error | null, connection: Connection) => void;

/** What SQLite waits for a lock that another process holds. Short: the caller is told to ask again. */
const lockWaitMs = 1000;

/**
 * A service's own database: one writing connection, so the service's transactions are serial. FULL: what was answered
 * is there after a power cut too.
 */
export const openDatabase = (path: string): Knex =>
  open(
    path,
    `PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=${lockWaitMs}`,
  );

/** The same for a reader beside the service. SQLite itself refuses to write. */
export const openReadOnly = (path: string): Knex =>
  open(`${pathToFileURL(path).href}?mode=ro`, `PRAGMA busy_timeout=${lockWaitMs}`, ['OPEN_URI']);

function open(filename: string, pragmas: string, flags: string[] = []): Knex {
  return createKnex({
    client: 'sqlite3',
    connection: { filename, flags },
    useNullAsDefault: true,
    acquireConnectionTimeout: 5000,
    // Whatever goes wrong reaches the caller as an error; nothing is printed beside it.
    log: { warn: ignore, error: ignore, deprecate: ignore, debug: ignore },
    pool: {
      min: 1,
      max: 1,
      afterCreate: (connection: Connection, done: Created) => {
        connection.exec(pragmas, (error) => done(error, connection));
      },
    },
  });
}

const ignore = (): void => undefined;

/** Whether an error says that somebody else holds the database. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'SQLITE_BUSY' || error.code === 'SQLITE_LOCKED');

/** Runs statements that make tables, one by one. */
export async function createTables(db: Knex, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
