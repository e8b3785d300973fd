import sqlite from 'sqlite3';

export type Ask = (sql: string, values?: readonly (string | number)[]) => Promise<readonly unknown[]>;

/** Opens a database's file beside the process that it belongs to. */
export async function withFile<T>(file: string, work: (ask: Ask) => Promise<T>): Promise<T> {
  const database = await new Promise<sqlite.Database>((resolve, reject) => {
    const opened: sqlite.Database = new sqlite.Database(file, (error) => (error ? reject(error) : resolve(opened)));
  });
  database.configure('busyTimeout', 10_000);
  try {
    return await work(
      (sql, values = []) =>
        new Promise((resolve, reject) => {
          database.all(sql, values, (error, rows) => (error ? reject(error) : resolve(rows)));
        }),
    );
  } finally {
    await new Promise<void>((resolve) => database.close(() => resolve()));
  }
}
