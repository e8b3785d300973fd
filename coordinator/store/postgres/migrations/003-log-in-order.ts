import type { Knex } from 'knex';
import { schema } from '../statements.js';

/**
 * Each row of the log knows the server's transaction that wrote it: by that the rows are read in the order they came. The
 * rows of one commit have the same, so the index holds it once for all of them.
 */
export async function up(db: Knex): Promise<void> {
  await db.schema.raw(`alter table ${schema}.log add column born bigint not null default 0`);
  await db.schema.raw(`alter table ${schema}.log alter column born set default pg_current_xact_id()::text::bigint`);
  await db.schema.raw(`create index log_by_arrival on ${schema}.log (born)`);
}

export async function down(db: Knex): Promise<void> {
  await db.schema.raw(`alter table ${schema}.log drop column born`);
}
