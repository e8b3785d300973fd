import type { Knex } from 'knex';

/** A row of version 0 stands for a purged transaction: what else there was of it goes when that row is written. */
const restFollows = `
  create trigger log_purged after update of version on log when new.version = 0 begin
    delete from log where xid = new.xid and seq > 1;
    delete from transactions where xid = new.xid;
  end`;

/** Holds tombstones alone, so an append pays nothing for it. */
const byAge = 'create index log_tombstones on log (at) where version = 0';

export async function up(db: Knex): Promise<void> {
  await db.schema.raw(restFollows);
  await db.schema.raw(byAge);
}

export async function down(db: Knex): Promise<void> {
  await db.schema.raw('drop index log_tombstones');
  await db.schema.raw('drop trigger log_purged');
}
