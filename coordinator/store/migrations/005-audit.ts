import type { Knex } from 'knex';

/** What operators did. It outlives the transactions that it is about. */
const table = `create table audit (
    position integer primary key autoincrement,
    at integer not null,
    by_key text not null,
    role text not null,
    action text not null,
    xid text,
    participant text,
    detail text not null,
    request_id text
  ) strict`;

const indexes = [
  'create index audit_by_xid on audit (xid, position) where xid is not null',
  'create index audit_by_key on audit (by_key, position)',
  'create index audit_by_participant on audit (participant, position) where participant is not null',
];

/** What is recorded comes with the row that does it: one statement, one commit. A row that does not go in records nothing. */
const follows = (name: string, when: string): string => `
  create trigger ${name} ${when} begin
    insert into audit (at, by_key, role, action, xid, participant, detail, request_id)
    select ${[0, 1, 2, 3, 4, 5, 6, 7].map((index) => `value ->> ${index}`).join(', ')}
    from json_each(new.audit) order by key;
  end`;

/** Of a participant only what makes a difference. */
const triggers = [
  follows('log_audit', 'after insert on log when new.audit is not null'),
  follows(
    'participants_set',
    `after insert on participants when new.audit is not null
      and (new.concurrency is not null or new.per_second is not null or new.paused)`,
  ),
  follows(
    'participants_changed',
    `after update on participants when new.audit is not null
      and (new.concurrency is not old.concurrency or new.per_second is not old.per_second or new.paused <> old.paused)`,
  ),
];

export async function up(db: Knex): Promise<void> {
  for (const target of ['log', 'participants']) await db.schema.raw(`alter table ${target} add column audit text`);
  for (const statement of [table, ...indexes, ...triggers]) await db.schema.raw(statement);
}

export async function down(db: Knex): Promise<void> {
  for (const name of ['log_audit', 'participants_set', 'participants_changed'])
    await db.schema.raw(`drop trigger ${name}`);
  for (const target of ['log', 'participants']) await db.schema.raw(`alter table ${target} drop column audit`);
  await db.schema.raw('drop table audit');
}
