import type { Knex } from 'knex';
import { schema } from '../statements.js';

/**
 * The registry of participants: who takes commands, where, and until when. Rows of instances that are gone stay, so that
 * the kinds of their handlers are known while nobody is there.
 */
export async function up(db: Knex): Promise<void> {
  await db.schema.raw(`create table ${schema}.instances (
    participant text collate "C" not null,
    id text collate "C" not null,
    url text not null,
    handlers text not null,
    checks text,
    resource_group text,
    batch integer not null,
    sdk text not null,
    registered_at bigint not null,
    renewed_at bigint not null,
    ttl_ms bigint not null,
    primary key (participant, id)
  )`);
}

export async function down(db: Knex): Promise<void> {
  await db.schema.withSchema(schema).dropTable('instances');
}
