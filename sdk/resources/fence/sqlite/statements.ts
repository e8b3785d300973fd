/** The fence's own statements on SQLite. Lists come as one JSON text, so that a group of any size is one statement. */

export const schema = [
  `create table if not exists concordat_fence (
  origin text not null,
  xid text not null,
  branch integer not null,
  phase integer not null,
  op text not null,
  outcome text not null,
  result text,
  at integer not null,
  primary key (origin, xid, branch, phase)
) without rowid`,
  'create index if not exists concordat_fence_age on concordat_fence (origin, at)',
] as const;

/** That a row is of the branch that an item of the JSON list names first. */
const sameBranch = (table: string, item: string): string =>
  `${table}.origin = ${item} ->> 0 and ${table}.xid = ${item} ->> 1 and ${table}.branch = ${item} ->> 2`;

export const statements = {
  begin: 'begin immediate',
  commit: 'commit',
  rollback: 'rollback',
  /** One within the other: what is rolled back is the innermost, and the commit closes them all. */
  savepoint: 'savepoint concordat_work',
  undo: 'rollback to concordat_work',

  /** Items: origin, xid, branch, phase, op, outcome, at, whether it is put only where phase 2 is not there. */
  place: `
  insert into concordat_fence (origin, xid, branch, phase, op, outcome, at)
  select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
  from json_each(?)
  where value ->> 7 = 0
    or not exists (select 1 from concordat_fence settled where ${sameBranch('settled', 'value')} and settled.phase = 2)
  on conflict do nothing
  returning origin, xid, branch, phase, (
    select json_array(f.op, f.outcome, f.result, f.at) from concordat_fence f
    where f.origin = concordat_fence.origin and f.xid = concordat_fence.xid and f.branch = concordat_fence.branch
      and f.phase = 1 and concordat_fence.phase = 2
  ) as first`,

  /** Items: origin, xid, branch. */
  read: `
  select f.* from json_each(?) wanted join concordat_fence f on ${sameBranch('f', 'wanted.value')}`,

  /** Items: origin, xid, branch, phase, outcome, result, at. */
  change: `
  update concordat_fence set outcome = item.value ->> 4, result = item.value ->> 5, at = item.value ->> 6
  from json_each(?) item
  where ${sameBranch('concordat_fence', 'item.value')} and concordat_fence.phase = item.value ->> 3
  returning phase`,

  /** Items: origin, xid, branch, phase. */
  release: `
  delete from concordat_fence where (origin, xid, branch, phase) in (
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(?)
  )
  returning phase`,

  clean: `
  delete from concordat_fence where (origin, xid, branch, phase) in (
    select origin, xid, branch, phase from concordat_fence where origin = ? and at < ? order by at limit ?
  )
  returning phase`,
} as const;

export type StatementName = keyof typeof statements;
