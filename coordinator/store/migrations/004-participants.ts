import type { Knex } from 'knex';

/** What operators set for a participant, or for the web origin of a URL. Null: no limit of its own. */
export async function up(db: Knex): Promise<void> {
  await db.schema.raw(`create table participants (
    name text not null primary key,
    concurrency integer,
    per_second real,
    paused integer not null
  ) strict, without rowid`);
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('participants');
}
