/**
 * Every prepared statement of the PostgreSQL store. Lists of values come as one JSON text or one array, so a group of any
 * size is one statement, and a statement by itself is a transaction: no round trip for BEGIN or COMMIT. Columns are named
 * one by one: where a later version adds one, what is prepared here stays valid.
 */
import { tombstoneVersion } from '../tombstone.js';

/** Of all tables: an application may keep its own in the same database. */
export const schema = 'concordat';

/** UTC ms on the server's clock, whatever its time zone; or those that a test brings along. */
export const clock = 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint';
const nowOr = (place: number): string => `coalesce($${place}::bigint, ${clock})`;

/** Something is to happen: what is final is over, and what is parked waits for a person. */
export const underWay = `status not in ('committed', 'rolled_back', 'resolved', 'parked')`;

const summaryColumns = [
  ...['name', 'business_key', 'participants', 'status', 'decision', 'reason', 'opened_at', 'decided_at', 'deadline_at'],
  ...['finished_at', 'due_at', 'owner'],
];
const summaryTypes = summaryColumns.map((column) => `${column} ${column.endsWith('_at') ? 'bigint' : 'text'}`);
const auditColumns = 'at, by_key, role, action, xid, participant, detail, request_id';
const auditTypes =
  'at bigint, by_key text, role text, action text, xid text, participant text, detail text, request_id text';
const leaseColumns = 'id, host, pid, renewed_at, lease_ms';
const instanceColumns =
  'participant, id, url, handlers, checks, resource_group, batch, sdk, registered_at, renewed_at, ttl_ms';
const participantColumns = 'name, concurrency, per_second, paused';

/**
 * A row goes in only where the row that it was decided upon is there, or where it is the first and saw none. Read for each
 * row by itself: as a join it could be planned for the small table that this once was.
 */
const predecessorIsThere = `
    case when seq = 1 then seen is null else seen = (
      select log.append from ${schema}.log where log.xid = given.xid and log.seq = given.seq - 1
    ) end`;

/**
 * In the order of the xids, so that two coordinators never wait for each other. Of two that insert at one place the later
 * waits for the earlier to commit, and then inserts nothing. Only rows that went in bring their summary and records along.
 * The first one makes the summary, a later one changes it: what was purged meanwhile does not come back.
 */
const append = (condition: string): string => `
  with given as materialized (
    select * from rows from (
      json_to_recordset($1::json) as (xid text, seq integer, append text, appender text, version integer, at bigint, seen text),
      unnest($2::text[])
    ) with ordinality as given (xid, seq, append, appender, version, at, seen, events, place)
  ), inserted as (
    insert into ${schema}.log (xid, seq, append, appender, version, at, events)
    select xid, seq, append, appender, version, at, events from given
    where ${condition}
    order by place
    on conflict (xid, seq) do nothing
    returning xid, seq, append
  ), told as materialized (
    select xid, seq, ${summaryColumns.join(', ')}
    from json_to_recordset($3::json) as summary (append text, ${summaryTypes.join(', ')})
    join inserted using (append)
  ), opened as (
    insert into ${schema}.transactions (xid, ${summaryColumns.join(', ')})
    select xid, ${summaryColumns.join(', ')} from told where seq = 1
    on conflict (xid) do update set ${summaryColumns.map((column) => `${column} = excluded.${column}`).join(', ')}
  ), changed as (
    update ${schema}.transactions set ${summaryColumns.map((column) => `${column} = told.${column}`).join(', ')}
    from told where told.seq > 1 and transactions.xid = told.xid
  ), recorded as (
    insert into ${schema}.audit (${auditColumns})
    select at, by_key, role, action, record.xid, participant, detail, request_id
    from rows from (json_to_recordset($4::json) as (append text, ${auditTypes})) with ordinality
      as record (append, ${auditColumns}, place)
    join inserted using (append)
    order by place
  )
  select append from inserted`;

const finished = ['committed', 'rolled_back', 'resolved'];
/** Walks down an index from what was opened first: nothing ends before it was opened. */
const oldestOf = (status: string): string => `(
      select xid, opened_at from ${schema}.transactions
      where status = '${status}' and opened_at < $1 and finished_at < $1
      order by opened_at, xid limit $2)`;
const purge = (chosen: string, condition: string): string => `
  with chosen as materialized (${chosen}
  ), gone as (
    delete from ${schema}.transactions using chosen
    where transactions.xid = chosen.xid and ${condition}
    returning transactions.xid
  ), emptied as (
    update ${schema}.log
    set append = '', appender = '', version = ${tombstoneVersion}, at = ${nowOr(3)}, events = '[]'
    from gone where log.xid = gone.xid and log.seq = 1
  ), rest as (
    delete from ${schema}.log using gone where log.xid = gone.xid and log.seq > 1
  )
  select xid from gone`;

const saveInstance = (condition: string): string => `
  with ours as materialized (
    select name, kind from json_to_recordset($4::text::json) as handler (name text, kind text)
  ), theirs as materialized (
    select handler.name, handler.kind
    from ${schema}.instances, json_to_recordset(instances.handlers::json) as handler (name text, kind text)
    where participant = $1 and instances.id <> $2 and renewed_at + ttl_ms > ${nowOr(9)} and handlers <> $4
  )
  insert into ${schema}.instances (${instanceColumns})
  select $1, $2, $3, $4, $5, $6, $7::integer, $8, at, at, $10::bigint from (select ${nowOr(9)} as at) as moment
  where ${condition}
  on conflict (participant, id) do update set url = excluded.url, handlers = excluded.handlers,
    checks = excluded.checks, resource_group = excluded.resource_group, batch = excluded.batch, sdk = excluded.sdk,
    registered_at = case when instances.renewed_at + instances.ttl_ms > excluded.renewed_at
      then instances.registered_at else excluded.registered_at end,
    renewed_at = excluded.renewed_at, ttl_ms = excluded.ttl_ms
  returning ${instanceColumns}`;

export const statements = {
  append: append(predecessorIsThere),
  appendUnchecked: append('true'),

  present: `
  select append from json_to_recordset($1::json) as given (xid text, seq integer, append text)
  where append = (select log.append from ${schema}.log where log.xid = given.xid and log.seq = given.seq)`,

  load: `
  select xid, seq, append, appender, version, at, events from ${schema}.log where xid = $1 and seq > $2 order by seq`,

  /** What no append brings along. */
  record: `
  insert into ${schema}.audit (${auditColumns}) select ${auditColumns} from json_to_recordset($1::json) as record (${auditTypes})`,

  /**
   * Up to which transaction of the server (exclusive) nobody will add to the log any more: before all that run and may be at
   * it, and before all that are yet to come. A writer has its lock on the log before it has its number, and keeps both until
   * what it wrote is seen by whoever asks next. Its number shows among the locks a moment after it has it: who runs and does
   * not show there may be a writer. Locks tell of 32 bits of a number.
   */
  settled: `
  with held as materialized (
    select locktype, database, relation, virtualtransaction, transactionid::text::bigint as number from pg_locks where granted
  ), elsewhere as materialized (
    select number from held where locktype = 'transactionid' and virtualtransaction not in (
      select virtualtransaction from held where locktype = 'relation' and relation = '${schema}.log'::regclass
        and database = (select oid from pg_database where datname = current_database())
    )
  ), running as materialized (
    select pg_snapshot_xip(pg_current_snapshot())::text::bigint as number
  )
  select coalesce(min(number), pg_snapshot_xmax(pg_current_snapshot())::text::bigint) as settled
  from running where number & 4294967295 not in (select number from elsewhere)`,
  lastRow: `
  select born, append from ${schema}.log where version > ${tombstoneVersion} and born < $1
  order by born desc, append desc limit 1`,
  /** At least one row: whether the row of the position itself is still there comes with each. */
  tail: `
  with fresh as materialized (
    select born, append, seq, at, xid from ${schema}.log
    where born >= $1 and (born > $1 or append > $2) and born < $4 and version > ${tombstoneVersion}
    order by born, append limit $3
  )
  select born, append, seq, at, fresh.xid, ${summaryColumns.join(', ')},
    exists (select 1 from ${schema}.log where born = $1 and append = $2) as known
  from (select 1) as always left join fresh on true left join ${schema}.transactions on transactions.xid = fresh.xid
  order by born, append`,

  due: `
  select xid from ${schema}.transactions
  where owner = $1 and due_at is not null and due_at <= $2 and due_at > $3 and ${underWay}
  order by due_at limit $4`,

  owned: `select xid from ${schema}.transactions where owner = $1 and xid > $2 and ${underWay} order by xid limit $3`,

  /** Jumps from owner to owner in the index instead of walking over all of their transactions. */
  owners: `
  with recursive owners (owner) as (
    (select owner from ${schema}.transactions where ${underWay} order by owner limit 1)
    union all
    select (select transactions.owner from ${schema}.transactions
      where transactions.owner > owners.owner and ${underWay} order by transactions.owner limit 1)
    from owners where owners.owner is not null
  )
  select owners.owner, ${leaseColumns} from owners left join ${schema}.leases on leases.id = owners.owner
  where owners.owner is not null
  order by owners.owner`,

  renewLease: `
  insert into ${schema}.leases (${leaseColumns}) values ($1, $2, $3, ${nowOr(5)}, $4)
  on conflict (id) do update set host = excluded.host, pid = excluded.pid,
    renewed_at = excluded.renewed_at, lease_ms = excluded.lease_ms
  returning ${nowOr(5)} as now`,
  dropLease: `delete from ${schema}.leases where id = $1`,
  leases: `select ${leaseColumns} from ${schema}.leases order by id`,

  /**
   * Nothing is written while a living sibling has one of its handlers with another kind. Siblings mostly have the very
   * same handlers, and are then not looked into.
   */
  saveInstance: saveInstance('not exists (select 1 from ours join theirs using (name) where ours.kind <> theirs.kind)'),
  saveInstanceUnchecked: saveInstance('true'),
  endInstance: `update ${schema}.instances set ttl_ms = 0 where participant = $1 and id = $2`,
  forgetInstance: `delete from ${schema}.instances where participant = $1 and id = $2 and renewed_at = $3`,
  instances: `select ${instanceColumns} from ${schema}.instances order by participant, id`,

  /** Each value goes with whether it is said at all. Who did it is recorded where something is another then. */
  changeParticipant: `
  with before as materialized (
    select concurrency, per_second, paused from ${schema}.participants where name = $1
    union all
    select null, null, 0 where not exists (select 1 from ${schema}.participants where name = $1)
  ), after as (
    insert into ${schema}.participants as set_for (${participantColumns})
    values ($1, $3::integer, $5::double precision, coalesce($6::integer, 0))
    on conflict (name) do update set concurrency = case when $2 then $3::integer else set_for.concurrency end,
      per_second = case when $4 then $5::double precision else set_for.per_second end,
      paused = coalesce($6::integer, set_for.paused)
    returning ${participantColumns}
  ), recorded as (
    insert into ${schema}.audit (${auditColumns})
    select record.* from json_to_recordset($7::json) as record (${auditTypes}), before, after
    where (before.concurrency, before.per_second, before.paused)
      is distinct from (after.concurrency, after.per_second, after.paused)
  )
  select ${participantColumns} from after`,
  participants: `select ${participantColumns} from ${schema}.participants order by name`,

  /** One step into an index for each status. */
  oldestUnfinished: `
  select min(oldest) as oldest from (${['active', 'committing', 'rolling_back', 'parked']
    .map((status) => `select min(opened_at) as oldest from ${schema}.transactions where status = '${status}'`)
    .join(' union all ')}) as each_status`,

  purge: purge(
    `
    select xid from (${finished.map(oldestOf).join(' union all ')}) as walks order by opened_at, xid limit $2`,
    `status in (${finished.map((status) => `'${status}'`).join(', ')}) and finished_at < $1`,
  ),
  purgeUnchecked: purge(`select xid from ${schema}.transactions where opened_at < $1 limit $2`, 'true'),
  purgeable: `
  select count(*) as count from ${schema}.transactions
  where status in (${finished.map((status) => `'${status}'`).join(', ')}) and opened_at < $1 and finished_at < $1`,
  dropTombstones: `
  with old as materialized (
    select xid from ${schema}.log where version = ${tombstoneVersion} and seq = 1 and at < $1 order by at limit $2
  ), gone as (
    delete from ${schema}.log using old where log.xid = old.xid returning log.xid
  )
  select distinct xid from gone`,

  now: `select ${clock} as now`,

  begin: 'begin',
  /** One at a time of all who name the same. The next statement sees what the one before has committed. */
  lock: 'select pg_advisory_xact_lock(hashtextextended($1, 0))::text as locked',
  commit: 'commit',
} as const;

export type StatementName = keyof typeof statements;
