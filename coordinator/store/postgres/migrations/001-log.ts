import type { Knex } from 'knex';
import { schema, underWay } from '../statements.js';

/**
 * The log, its summaries, the leases and who this store is. Names are compared by their bytes, whatever the language of the
 * database: as the coordinator sorts them, and faster.
 */
const name = 'text collate "C"';
const tables = [
  `create table ${schema}.log (
    xid ${name} not null,
    seq integer not null,
    append ${name} not null,
    appender ${name} not null,
    version integer not null,
    at bigint not null,
    events text not null,
    primary key (xid, seq)
  )`,
  `create table ${schema}.transactions (
    xid ${name} not null primary key,
    name ${name} not null,
    business_key ${name},
    participants text not null,
    status ${name} not null,
    decision ${name},
    reason text,
    opened_at bigint not null,
    decided_at bigint,
    deadline_at bigint,
    finished_at bigint,
    due_at bigint,
    owner ${name} not null
  )`,
  `create table ${schema}.leases (
    id ${name} not null primary key,
    host text not null,
    pid integer not null,
    renewed_at bigint not null,
    lease_ms bigint not null
  )`,
  `create table ${schema}.meta (key ${name} not null primary key, value text not null)`,
];

/** Every index is paid for by each transaction: the first two hold only those under way, the rest serve the list. */
const indexes = [
  `create index transactions_due on ${schema}.transactions (owner, due_at) where due_at is not null and ${underWay}`,
  `create index transactions_owned on ${schema}.transactions (owner, xid) where ${underWay}`,
  `create index transactions_newest on ${schema}.transactions (opened_at, xid)`,
  `create index transactions_by_status on ${schema}.transactions (status, opened_at, xid)`,
  `create index transactions_by_name on ${schema}.transactions (name, opened_at, xid)`,
  `create index transactions_by_business_key on ${schema}.transactions (business_key, opened_at, xid)
     where business_key is not null`,
];

export async function up(db: Knex): Promise<void> {
  for (const statement of [...tables, ...indexes]) await db.schema.raw(statement);
}

export async function down(db: Knex): Promise<void> {
  for (const table of ['log', 'transactions', 'leases', 'meta']) await db.schema.withSchema(schema).dropTable(table);
}
