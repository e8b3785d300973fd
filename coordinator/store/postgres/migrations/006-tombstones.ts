import type { Knex } from 'knex';
import { schema } from '../statements.js';

/** A row of version 0 stands for a purged transaction. The index holds tombstones alone, so an append pays nothing for it. */
export async function up(db: Knex): Promise<void> {
  await db.schema.raw(`create index log_tombstones on ${schema}.log (at) where version = 0`);
}

export async function down(db: Knex): Promise<void> {
  await db.schema.raw(`drop index ${schema}.log_tombstones`);
}
