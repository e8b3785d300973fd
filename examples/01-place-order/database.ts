import path from 'node:path';
import createKnex, { type Knex } from 'knex';

/** A new SQLite file with these tables. */
export async function createDatabase(directory: string, name: string, statements: readonly string[]): Promise<Knex> {
  const filename = path.join(directory, `${name}.db`);
  const db = createKnex({ client: 'sqlite3', connection: { filename }, useNullAsDefault: true });
  for (const statement of statements) await db.raw(statement);
  return db;
}
