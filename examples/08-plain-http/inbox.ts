import type { Knex } from 'knex';
import { type Answer, type Json, Refused } from './answers.js';
import type { Command } from './command.js';
import { isBusy } from './database.js';

/*
 * What makes a command's effect happen once, and late or empty commands harmless. It lives in the service's own
 * database, in the transaction of the work.
 *
 * 1. A branch has at most one row a phase: 1 the forward op, 2 the commit or rollback op. Insert if absent comes first,
 *    phase 1 before phase 2; who inserted does the work, everybody else answers what is stored.
 * 2. A rollback op writes both rows, so a forward op that comes later finds its place taken: suppressed.
 * 3. A refused op leaves its row and nothing else. A forward op's no is final; a commit or rollback op is refused again to
 *    copies of its command, and worked again when a later attempt asks: a person may have mended the cause.
 *
 * Rows are kept for ever here; a service with traffic deletes them by age, never younger than the oldest open transaction.
 */
export const inboxTable = `create table if not exists inbox (
  origin text not null,
  xid text not null,
  branch integer not null,
  phase integer not null,
  op text not null,
  outcome text,
  output text,
  code text,
  reason text,
  attempt integer,
  at integer not null,
  primary key (origin, xid, branch, phase)
) without rowid`;

/** Which of the three things an op asks of a branch. */
export const phaseOf = {
  action: 'forward',
  compensate: 'rollback',
  try: 'forward',
  confirm: 'commit',
  cancel: 'rollback',
} as const;

export type Op = keyof typeof phaseOf;
export type InboxCommand = Command & { readonly op: Op };

interface Row {
  readonly op: Op;
  /** `empty`: a rollback op that had nothing to undo. */
  readonly outcome: 'done' | 'refused' | 'empty' | null;
  readonly output: string | null;
  readonly code: string | null;
  readonly reason: string | null;
  /** Of a refused op: which of its attempts that was. */
  readonly attempt: number | null;
}

/** The op's own work; `output` is what the forward op answered, for a commit or rollback op. */
export type InboxWork = (trx: Knex.Transaction, output: Json) => Promise<Json>;

export interface Inbox {
  /** Does the command's work once. Rejects when nothing is known of it: then nothing was kept either. */
  receive(command: InboxCommand, work: InboxWork): Promise<Answer>;
}

/** An inbox of one process. `now` is for people who read the rows. */
export function createInbox(db: Knex, now: () => number): Inbox {
  const running = new Set<string>();
  return {
    async receive(command, work) {
      const branch = JSON.stringify([command.origin, command.xid, command.branch]);
      if (running.has(branch)) return stillRunning;
      running.add(branch);
      try {
        return await db.transaction((trx) => phases[phaseOf[command.op]]({ trx, command, work, at: now() }));
      } catch (error) {
        if (error instanceof Refused) return refused(error);
        // Another process on this file may be at this very branch.
        if (isBusy(error)) return stillRunning;
        throw error;
      } finally {
        running.delete(branch);
      }
    },
  };
}

interface Turn {
  readonly trx: Knex.Transaction;
  readonly command: InboxCommand;
  readonly work: InboxWork;
  readonly at: number;
}

async function forward({ trx, command, work, at }: Turn): Promise<Answer> {
  if (!(await insertIfAbsent(trx, command, 1, at))) {
    const first = await rowOf(trx, command, 1);
    const second = await rowOf(trx, command, 2);
    if (second && phaseOf[second.op] === 'rollback')
      throw new Refused('suppressed', 'the branch is rolled back already');
    return stored(first);
  }
  return settleWith({ trx, command, work, at }, 1, null);
}

async function rollback(turn: Turn): Promise<Answer> {
  const { trx, command, at } = turn;
  const nothingCame = await insertIfAbsent(trx, command, 1, at);
  const fresh = await insertIfAbsent(trx, command, 2, at);
  const second = await rowOf(trx, command, 2);
  if (second?.op !== command.op) throw contradiction(command, second);
  if (!fresh && !isAskedAnew(second, command)) return stored(second);
  const first = await rowOf(trx, command, 1);
  if (nothingCame || first?.outcome === 'refused') {
    // A service restored from an old back-up must not pass for one that never got the forward op.
    if (command.forward === 'done') throw forwardMissing(command);
    if (nothingCame) await settle(trx, command, 1, { outcome: 'empty', output: empty });
    await settle(trx, command, 2, { outcome: 'empty', output: empty });
    return { kind: 'done', output: JSON.parse(empty) };
  }
  return settleWith(turn, 2, outputOf(first));
}

async function commit(turn: Turn): Promise<Answer> {
  const { trx, command, at } = turn;
  const fresh = await insertIfAbsent(trx, command, 2, at);
  const second = await rowOf(trx, command, 2);
  if (second?.op !== command.op) throw contradiction(command, second);
  if (!fresh && !isAskedAnew(second, command)) return stored(second);
  const first = await rowOf(trx, command, 1);
  if (first?.outcome !== 'done') throw forwardMissing(command);
  return settleWith(turn, 2, outputOf(first));
}

const phases = { forward, commit, rollback } as const;

const empty = JSON.stringify({ empty: true });

const contradiction = (command: InboxCommand, second: Row | undefined): Refused =>
  new Refused('contradiction', `${command.op} came after ${second?.op}: one branch was told both`);

const forwardMissing = (command: InboxCommand): Refused =>
  new Refused('forward_missing', `${command.op} came, but this database knows no forward op that was done`);

const refused = ({ code, message }: Refused): Answer => ({ kind: 'refused', code, reason: message });

const stillRunning: Answer = { kind: 'pending', retryAfterSeconds: 1 };

const outputOf = (row: Row | undefined): Json => JSON.parse(row?.output ?? 'null') as Json;

/** The answer that was given before. A row without an outcome cannot be seen from outside its own transaction. */
function stored(row: Row | undefined): Answer {
  if (!row?.outcome) throw new Error('expected an inbox row with its outcome');
  if (row.outcome !== 'refused') return { kind: 'done', output: outputOf(row) };
  return { kind: 'refused', code: row.code ?? 'refused', reason: row.reason ?? 'refused' };
}

const isAskedAnew = (row: Row, { attempt }: Command): boolean =>
  row.outcome === 'refused' && attempt > (row.attempt ?? 0);

const keyOf = ({ origin, xid, branch }: Command, phase: 1 | 2) => ({ origin, xid, branch, phase });

/** Takes the place of a phase; false when it is taken. As the first statement it also takes SQLite's write lock. */
async function insertIfAbsent(
  trx: Knex.Transaction,
  command: InboxCommand,
  phase: 1 | 2,
  at: number,
): Promise<boolean> {
  const row = { ...keyOf(command, phase), op: command.op, at };
  const inserted = await trx('inbox')
    .insert(row)
    .onConflict(['origin', 'xid', 'branch', 'phase'])
    .ignore()
    .returning('phase');
  return inserted.length === 1;
}

const rowOf = (trx: Knex.Transaction, command: InboxCommand, phase: 1 | 2): Promise<Row | undefined> =>
  trx<Row>('inbox').where(keyOf(command, phase)).first();

/** Does the work, or takes it back where it refuses, and keeps what came of it. */
async function settleWith({ trx, command, work }: Turn, phase: 1 | 2, given: Json): Promise<Answer> {
  try {
    const output = await trx.transaction((savepoint) => work(savepoint, given));
    await settle(trx, command, phase, { outcome: 'done', output: JSON.stringify(output) });
    return { kind: 'done', output };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { code, message: reason } = error;
    await settle(trx, command, phase, { outcome: 'refused', code, reason, attempt: command.attempt });
    return refused(error);
  }
}

async function settle(trx: Knex.Transaction, command: InboxCommand, phase: 1 | 2, values: Partial<Row>): Promise<void> {
  const count = await trx('inbox').where(keyOf(command, phase)).update(values);
  if (count !== 1)
    throw new Error(`expected one inbox row for ${command.xid} branch ${command.branch}, changed ${count}`);
}
