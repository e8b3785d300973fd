import type { Knex } from 'knex';
import type { Teardown } from './bank.js';

/** Every statement that the database runs from now on. */
export async function traced(t: Teardown, db: Knex): Promise<string[]> {
  const said: string[] = [];
  const raw = await db.client.acquireConnection();
  await db.client.releaseConnection(raw);
  const hear = (sql: string) => said.push(sql.trim().split(/\s+/).slice(0, 3).join(' ').toLowerCase());
  raw.on('trace', hear);
  t.teardown(() => raw.removeListener('trace', hear));
  return said;
}
