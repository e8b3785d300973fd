/** Every prepared statement of the SQLite store. Lists of values come as one JSON text, so a group of any size is one statement. */

/** Something is to happen: what is final is over, and what is parked waits for a person. */
const underWay = `status not in ('committed', 'rolled_back', 'resolved', 'parked')`;

const logColumns = 'xid, seq, append, appender, version, at, events';
const logValues = `${[0, 1, 2, 3, 4, 5].map((index) => `value ->> ${index}`).join(', ')}, value -> 8, nullif(value -> 7, 'null')`;
/** A row goes in only where the row that it was decided upon is there, or where it is the first and saw none. */
const predecessorIsThere = `(value ->> 1 = 1 and value ->> 6 is null)
    or exists (
      select 1 from log
      where log.xid = value ->> 0 and log.seq = (value ->> 1) - 1 and log.append = value ->> 6
    )`;

const insertLog = (condition: string): string => `
  insert into log (${logColumns}, summary)
  select ${logValues} from json_each(?)
  where ${condition}
  on conflict do nothing
  returning append`;

export const statements = {
  insertLog: insertLog(predecessorIsThere),
  insertLogUnchecked: insertLog('true'),

  present: `
  select log.append from json_each(?)
  join log on log.xid = value ->> 0 and log.seq = value ->> 1
  where log.append = value ->> 2`,

  load: `select ${logColumns} from log where xid = ? order by seq`,

  due: `
  select xid from transactions
  where owner = ? and due_at is not null and due_at <= ? and ${underWay}
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

  answers: `select value from meta where key = 'schema'`,
} as const;

export type StatementName = keyof typeof statements;
