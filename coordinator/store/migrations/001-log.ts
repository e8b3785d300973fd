import type { Knex } from 'knex';

/**
 * The log, its summaries, the leases and who this store is.
 *
 * Without rowid: a row sits in the tree of its key, so an append costs one write, and each index ends in the xid.
 * Strict: a value of the wrong type is refused instead of converted.
 */
const tables = [
  `create table log (
    xid text not null,
    seq integer not null,
    append text not null,
    appender text not null,
    version integer not null,
    at integer not null,
    events text not null,
    summary text,
    primary key (xid, seq)
  ) strict, without rowid`,
  `create table transactions (
    xid text not null primary key,
    name text not null,
    business_key text,
    participants text not null,
    status text not null,
    decision text,
    reason text,
    opened_at integer not null,
    decided_at integer,
    deadline_at integer,
    finished_at integer,
    due_at integer,
    owner text not null
  ) strict, without rowid`,
  `create table leases (
    id text not null primary key,
    host text not null,
    pid integer not null,
    renewed_at integer not null,
    lease_ms integer not null
  ) strict, without rowid`,
  `create table meta (key text not null primary key, value text not null) strict, without rowid`,
];

/** Every index is paid for by each transaction: the first two hold only those under way, the rest serve the list. */
const underWay = `status not in ('committed', 'rolled_back', 'resolved', 'parked')`;
const indexes = [
  `create index transactions_due on transactions (owner, due_at) where due_at is not null and ${underWay}`,
  `create index transactions_owned on transactions (owner, xid) where ${underWay}`,
  'create index transactions_newest on transactions (opened_at, xid)',
  'create index transactions_by_status on transactions (status, opened_at, xid)',
  'create index transactions_by_name on transactions (name, opened_at, xid)',
  `create index transactions_by_business_key on transactions (business_key, opened_at, xid)
     where business_key is not null`,
];

/** In the order of a row's `summary`, a JSON array. The first ones never change: naming them again would rewrite their indexes. */
const fixed = ['name', 'business_key', 'opened_at'];
const changing = [
  'participants',
  'status',
  'decision',
  'reason',
  'decided_at',
  'deadline_at',
  'finished_at',
  'due_at',
  'owner',
];
const columns = [...fixed, ...changing];

/**
 * A row that goes into the log brings its summary along, so a group of appends is one statement and one commit. A row
 * that does not go in, because another has its place, changes no summary.
 */
const summaryFollows = `
  create trigger log_summary after insert on log when new.summary is not null begin
    insert into transactions (xid, ${columns.join(', ')})
    values (new.xid, ${columns.map((_, index) => `new.summary ->> ${index}`).join(', ')})
    on conflict (xid) do update set ${changing.map((column) => `${column} = excluded.${column}`).join(', ')};
  end`;

export async function up(db: Knex): Promise<void> {
  for (const statement of [...tables, ...indexes, summaryFollows]) await db.schema.raw(statement);
}

export async function down(db: Knex): Promise<void> {
  for (const table of ['log', 'transactions', 'leases', 'meta']) await db.schema.dropTable(table);
}
