import type { Knex } from 'knex';
import { schema } from '../statements.js';

/** What operators set for a participant, or for the web origin of a URL. Null: no limit of its own. */
export async function up(db: Knex): Promise<void> {
  await db.schema.raw(`create table ${schema}.participants (
    name text collate "C" not null primary key,
    concurrency integer,
    per_second double precision,
    paused integer not null
  )`);
}

export async function down(db: Knex): Promise<void> {
  await db.schema.withSchema(schema).dropTable('participants');
}
