import type { Knex } from 'knex';

/**
 * The registry of participants: who takes commands, where, and until when. Rows of instances that are gone stay, so that
 * the kinds of their handlers are known while nobody is there.
 */
export async function up(db: Knex): Promise<void> {
  await db.schema.raw(`create table instances (
    participant text not null,
    id text not null,
    url text not null,
    handlers text not null,
    checks text,
    resource_group text,
    batch integer not null,
    sdk text not null,
    registered_at integer not null,
    renewed_at integer not null,
    ttl_ms integer not null,
    primary key (participant, id)
  ) strict, without rowid`);
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('instances');
}
