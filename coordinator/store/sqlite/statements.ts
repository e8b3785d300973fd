/** Every prepared statement of the SQLite store. Lists of values come as one JSON text, so a group of any size is one statement. */

import { tombstoneVersion } from '../tombstone.js';

/** Something is to happen: what is final is over, and what is parked waits for a person. */
const underWay = `status not in ('committed', 'rolled_back', 'resolved', 'parked')`;

const logColumns = 'xid, seq, append, appender, version, at, events';
const logValues = `${[0, 1, 2, 3, 4, 5].map((index) => `value ->> ${index}`).join(', ')}, value -> 8, nullif(value -> 7, 'null'), value -> 9`;
const finished = ['committed', 'rolled_back', 'resolved'];
/** Walks down an index from what was opened first: nothing ends before it was opened. */
const oldestOf = (predicate: string): string => `
    select xid, opened_at from transactions
    where ${predicate} and opened_at < ?2 and finished_at < ?2
    order by opened_at, xid limit ?3`;
const purge = (oldest: readonly string[]): string => `
  update log set append = '', appender = '', version = ${tombstoneVersion}, at = ?1, events = '[]', summary = null
  where seq = 1 and xid in (
    select xid from (${oldest.map((each) => `select * from (${each})`).join(' union all ')})
    order by opened_at, xid limit ?3
  )
  returning xid`;

/** A row goes in only where the row that it was decided upon is there, or where it is the first and saw none. */
const predecessorIsThere = `(value ->> 1 = 1 and value ->> 6 is null)
    or exists (
      select 1 from log
      where log.xid = value ->> 0 and log.seq = (value ->> 1) - 1 and log.append = value ->> 6
    )`;

const insertLog = (condition: string): string => `
  insert into log (${logColumns}, summary, audit)
  select ${logValues} from jsonb_each(?)
  where ${condition}
  on conflict do nothing
  returning append`;

/** What a change of a transaction is made of, in the order in which `tail.ts` takes it apart. */
const tailColumns = [
  ...['place', 'append', 'seq', 'at', 'xid', 'name', 'business_key', 'participants', 'status', 'decision', 'reason'],
  ...['opened_at', 'decided_at', 'deadline_at', 'finished_at', 'due_at', 'owner'],
] as const;

export const statements = {
  insertLog: insertLog(predecessorIsThere),
  insertLogUnchecked: insertLog('true'),

  present: `
  select log.append from json_each(?)
  join log on log.xid = value ->> 0 and log.seq = value ->> 1
  where log.append = value ->> 2`,

  /** What no append brings along. */
  record: `
  insert into audit (at, by_key, role, action, xid, participant, detail, request_id)
  select ${[0, 1, 2, 3, 4, 5, 6, 7].map((index) => `value ->> ${index}`).join(', ')} from json_each(?)`,

  load: `select ${logColumns} from log where xid = ? and seq > ? order by seq`,

  /** The rows of the log lie in the order they came, so their rowid is their place in it. */
  lastRow: 'select rowid as place, append from log order by rowid desc limit 1',
  /** Values go out as one text: as columns each would cost the caller's thread more than reading all of it. */
  tail: `
  with fresh as materialized (
    select rowid as place, append, seq, at, xid from log where rowid >= ?1 order by rowid limit ?2
  ), newest as (
    select max(place) as place, append, seq, at, xid from fresh group by xid
  )
  select min(place) as first, max(place) as last, count(*) as count,
    (select append from fresh order by place limit 1) as mark,
    (select append from fresh order by place desc limit 1) as append,
    (select json_group_array(json_array(${tailColumns.join(', ')})) from newest join transactions using (xid)
      where place > ?1) as changes
  from fresh`,

  due: `
  select xid from transactions
  where owner = ? and due_at is not null and due_at <= ? and due_at > ? and ${underWay}
  order by due_at limit ?`,

  owned: `select xid from transactions where owner = ? and xid > ? and ${underWay} order by xid limit ?`,

  /** Jumps from owner to owner in the index instead of walking over all of their transactions. */
  owners: `
  with recursive owners(owner) as (
    select min(owner) from transactions where ${underWay}
    union all
    select (select min(transactions.owner) from transactions where transactions.owner > owners.owner and ${underWay})
    from owners where owners.owner is not null
  )
  select owners.owner, leases.* from owners left join leases on leases.id = owners.owner
  where owners.owner is not null`,

  renewLease: `
  insert into leases (id, host, pid, renewed_at, lease_ms) values (?, ?, ?, ?, ?)
  on conflict (id) do update set host = excluded.host, pid = excluded.pid,
    renewed_at = excluded.renewed_at, lease_ms = excluded.lease_ms`,
  dropLease: 'delete from leases where id = ?',
  leases: 'select * from leases order by id',

  /**
   * Nothing is written while a living sibling has one of its handlers with another kind. Siblings mostly have the very
   * same handlers, and are then not looked into.
   */
  saveInstance: `
  with ours as materialized (
    select value ->> 'name' as name, value ->> 'kind' as kind from json_each(?4)
  ), theirs as materialized (
    select value ->> 'name' as name, value ->> 'kind' as kind from instances, json_each(instances.handlers)
    where participant = ?1 and instances.id <> ?2 and renewed_at + ttl_ms > ?9 and handlers <> ?4
  )
  insert into instances
    (participant, id, url, handlers, checks, resource_group, batch, sdk, registered_at, renewed_at, ttl_ms)
  select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10
  where not exists (select 1 from ours join theirs using (name) where ours.kind <> theirs.kind)
  on conflict (participant, id) do update set url = excluded.url, handlers = excluded.handlers,
    checks = excluded.checks, resource_group = excluded.resource_group, batch = excluded.batch, sdk = excluded.sdk,
    registered_at = iif(renewed_at + ttl_ms > excluded.renewed_at, registered_at, excluded.registered_at),
    renewed_at = excluded.renewed_at, ttl_ms = excluded.ttl_ms
  returning *`,
  saveInstanceUnchecked: `
  insert or replace into instances
    (participant, id, url, handlers, checks, resource_group, batch, sdk, registered_at, renewed_at, ttl_ms)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)
  returning *`,
  /** Each value goes with whether it is said at all. A trigger records who did it, where something is another then. */
  changeParticipant: `
  insert into participants (name, concurrency, per_second, paused, audit) values (?1, ?3, ?5, coalesce(?6, 0), ?7)
  on conflict (name) do update set concurrency = iif(?2, ?3, concurrency), per_second = iif(?4, ?5, per_second),
    paused = coalesce(?6, paused), audit = excluded.audit
  returning *`,
  participants: 'select * from participants order by name',

  endInstance: 'update instances set ttl_ms = 0 where participant = ? and id = ?',
  forgetInstance: 'delete from instances where participant = ? and id = ? and renewed_at = ?',
  instances: 'select * from instances order by participant, id',

  /** One step into an index for each status. */
  oldestUnfinished: `
  select min(oldest) as oldest from (${['active', 'committing', 'rolling_back', 'parked']
    .map((status) => `select min(opened_at) as oldest from transactions where status = '${status}'`)
    .join(' union all ')})`,

  /** A trigger takes the rest of what it empties the first row of. */
  purge: purge(finished.map((status) => oldestOf(`status = '${status}'`))),
  purgeUnchecked: `
  update log set append = '', appender = '', version = ${tombstoneVersion}, at = ?1, events = '[]', summary = null
  where seq = 1 and xid in (select xid from transactions where opened_at < ?2 limit ?3)
  returning xid`,
  purgeable: `
  select count(*) as count from transactions
  where status in ('committed', 'rolled_back', 'resolved') and opened_at < ?1 and finished_at < ?1`,
  dropTombstones: `
  delete from log where rowid in (
    select rowid from log where version = ${tombstoneVersion} and at < ? order by at limit ?
  )
  returning xid`,

  answers: `select value from meta where key = 'schema'`,
} as const;

export type StatementName = keyof typeof statements;
