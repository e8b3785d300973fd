import knexFactory from 'knex';
import { migrations } from '../../coordinator/store/migrations/migrations.js';

/** Takes a store back to the schema that it had after so many steps. */
export async function takeBack(path: string, steps: number): Promise<void> {
  const db = knexFactory({ client: 'sqlite3', connection: { filename: path }, useNullAsDefault: true });
  await db.transaction(async (trx) => {
    for (const { name, down } of migrations.slice(steps).toReversed()) {
      await down(trx);
      await trx('migrations').where({ name }).delete();
    }
    await trx('meta').where('key', 'schema').update('value', String(steps));
  });
  await db.destroy();
}

/** Says something to the file. */
export async function execute(path: string, ...statements: readonly string[]): Promise<void> {
  const db = knexFactory({ client: 'sqlite3', connection: { filename: path }, useNullAsDefault: true });
  for (const statement of statements) await db.raw(statement);
  await db.destroy();
}
