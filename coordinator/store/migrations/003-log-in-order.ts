import type { Knex } from 'knex';

/**
 * The rows of the log lie in the order they came, and the key is an index beside them. Sorted by the key, each row of a
 * group went to a page of its own, and one of more than a quarter of a page took another page besides: a commit wrote
 * three times as much.
 */
const byArrival = `create table log_by_arrival (
    xid text not null,
    seq integer not null,
    append text not null,
    appender text not null,
    version integer not null,
    at integer not null,
    events text not null,
    summary text,
    primary key (xid, seq)
  ) strict`;

const columns = 'xid, seq, append, appender, version, at, events, summary';

export async function up(db: Knex): Promise<void> {
  await move(db, byArrival, 'log_by_arrival');
}

export async function down(db: Knex): Promise<void> {
  await move(db, `${byArrival.replace('log_by_arrival', 'log_by_key')}, without rowid`, 'log_by_key');
}

/** Moves the log to a table of another shape. Its trigger goes with the old one and is made again. */
async function move(db: Knex, table: string, name: string): Promise<void> {
  const trigger = await db('sqlite_master').where({ type: 'trigger', name: 'log_summary' }).first('sql');
  await db.schema.raw(table);
  await db.schema.raw(`insert into ${name} (${columns}) select ${columns} from log order by xid, seq`);
  await db.schema.raw('drop table log');
  await db.schema.raw(`alter table ${name} rename to log`);
  await db.schema.raw(trigger.sql);
}
