/** The fence's own statements on PostgreSQL. What a visit puts or changes comes as one JSON text, so that it is one statement. */

export const schema = [
  `create table if not exists concordat_fence (
  origin text not null,
  xid text not null,
  branch integer not null,
  phase smallint not null,
  op text not null,
  outcome text not null,
  result text,
  at bigint not null,
  primary key (origin, xid, branch, phase)
)`,
  'create index if not exists concordat_fence_age on concordat_fence (origin, at)',
] as const;

/** $1, $2, $3: the branch. */
const sameBranch = (table: string): string => `${table}.origin = $1 and ${table}.xid = $2 and ${table}.branch = $3`;

export const statements = {
  commit: 'commit',
  rollback: 'rollback',

  /**
   * $4: [{phase, op, outcome, unless_settled}], $5: at, $6: the lock_timeout that holds from here on. Answers what it put
   * and what was there before. It waits for others, so the snapshot is older than their ends; the lock of the branch, which
   * is held by then, keeps that from mattering.
   */
  place: `
  with placed as (
    insert into concordat_fence (origin, xid, branch, phase, op, outcome, at)
    select $1::text, $2::text, $3::integer, phase, op, outcome, $5::bigint
    from json_to_recordset($4::json) as item (phase smallint, op text, outcome text, unless_settled boolean)
    where not unless_settled
      or not exists (select 1 from concordat_fence settled where ${sameBranch('settled')} and settled.phase = 2)
    order by phase
    on conflict do nothing
    returning phase
  ), found as (
    select phase, op, outcome, result, at from concordat_fence where ${sameBranch('concordat_fence')} for update
  )
  select json_build_object(
    'placed', coalesce((select json_agg(phase) from placed), '[]'),
    'found', coalesce((select json_agg(found) from found), '[]'),
    'lock_timeout', set_config('lock_timeout', $6, true)
  )::text as told`,

  /** $4: [{phase, outcome, result, at}]. */
  change: `
  update concordat_fence set outcome = item.outcome, result = item.result, at = item.at
  from json_to_recordset($4::json) as item (phase smallint, outcome text, result text, at bigint)
  where ${sameBranch('concordat_fence')} and concordat_fence.phase = item.phase`,

  /** $4: phases. */
  release: `delete from concordat_fence where ${sameBranch('concordat_fence')} and phase = any ($4::smallint[])`,

  /** Fails to serialise where somebody put phase 1 that the transaction's snapshot does not show. */
  probe: `
  insert into concordat_fence (origin, xid, branch, phase, op, outcome, at)
  values ($1, $2, $3, 1, 'probe', 'empty', 0) on conflict do nothing`,

  /** $1: origin, $2: before, $3: how many. Leaves out what a visit holds. */
  clean: `
  with old as (
    select origin, xid, branch, phase from concordat_fence
    where origin = $1 and at < $2 order by at limit $3 for update skip locked
  )
  delete from concordat_fence using old
  where concordat_fence.origin = old.origin and concordat_fence.xid = old.xid
    and concordat_fence.branch = old.branch and concordat_fence.phase = old.phase`,
} as const;

export type StatementName = keyof typeof statements;

export interface LockOptions {
  /** Of the branch: a number of 64 bits. */
  readonly key: bigint;
  readonly waitMs: number;
}

/**
 * Locks a branch until the transaction's end, within so many ms. Several statements go on one way to the server; such a text
 * takes no parameters, and the numbers need no quoting.
 */
export const lock = ({ key, waitMs }: LockOptions): string =>
  `select current_setting('lock_timeout') as lock_timeout, current_setting('transaction_isolation') as isolation,
  set_config('lock_timeout', '${Math.ceil(waitMs)}ms', true);
select pg_advisory_xact_lock(${key})`;

export type Isolation = 'read committed';

export const begin = (isolation: Isolation | undefined): string =>
  isolation ? `begin isolation level ${isolation}` : 'begin';
