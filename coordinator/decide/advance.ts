/**
 * What follows from the state by itself: whose turn has come. Part of the fold, so a log replays to the same state.
 * 1. Nothing is asked of a branch before all it comes after has passed.
 * 2. Nothing new is asked in phase 1 once the transaction is closing, asking or decided to roll back.
 * 3. No rollback op is asked while the forward op may be in flight.
 */
import { planted } from '#faults';
import type { CoordinatorId } from '../../sdk/protocol/ids.js';
import { kinds, opOf } from '../../sdk/protocol/kinds.js';
import { doOrder, messagesMayGo, undoOrder } from './order.js';
import type { Branch, Next, Work } from './state.js';

/** The row being folded: when, by whom, and which. */
export interface RowContext {
  readonly at: number;
  readonly appender: CoordinatorId;
  readonly seq: number;
}

/** The first command of an op, due now or at `dueAt`. */
export const ask = (op: Work['op'], row: RowContext, dueAt = row.at): Work => ({
  op,
  attempt: 1,
  failures: 0,
  crashes: 0,
  dueAt,
  since: dueAt,
  pendingSince: null,
  by: row.appender,
  seq: row.seq,
});

/** The same op once more, at `dueAt`. */
export const askAgain = (work: Work, row: RowContext, dueAt: number, change: Partial<Work> = {}): Work => ({
  ...work,
  ...change,
  attempt: planted('reuse-a-command-id') ? work.attempt : work.attempt + 1,
  dueAt,
  by: row.appender,
  seq: row.seq,
});

/** Asks the forward op, where the kind has one: from here on it may have taken effect. */
export function begin(branch: Branch, row: RowContext): Branch {
  const op = opOf(branch.kind, 'forward');
  if (!op) return branch;
  const work: Work = { ...ask(op, row), attempt: branch.forwardAttempts + 1 };
  return { ...branch, stage: { at: 'asked', work }, forward: 'unknown', startedAt: branch.startedAt ?? row.at };
}

/** After a done forward op under a commit decision: the commit op, or the end where the kind has none. */
export function toCommit(branch: Branch, row: RowContext): Branch {
  const op = opOf(branch.kind, 'commit');
  if (op) return { ...branch, stage: { at: 'asked', work: ask(op, row) } };
  return { ...branch, stage: { at: 'committed', attempt: branch.forwardAttempts }, finishedAt: row.at };
}

/** Under a rollback decision, once the forward op is surely not in flight from here. */
export function toUndo(branch: Branch, row: RowContext): Branch {
  const told = branch.forward !== null && !(branch.forward === 'refused' && branch.forwardAttempts <= 1);
  if (!told) {
    const at = branch.forward === 'refused' ? 'refused' : 'skipped';
    return { ...branch, stage: { at }, finishedAt: branch.finishedAt ?? row.at };
  }
  if (planted('forget-unknown-branches-in-rollback') && branch.forward === 'unknown') {
    return { ...branch, stage: { at: 'skipped' }, finishedAt: row.at };
  }
  return { ...branch, stage: { at: 'to_undo', attempt: 1 } };
}

/**
 * Whether the forward command may be on its way: due, and made due by an earlier row. One that this very row made due
 * was never handed on.
 */
const mayBeInFlight = (work: Work, row: RowContext): boolean => work.dueAt <= row.at && work.seq !== row.seq;

/** A branch at the moment of a rollback decision. */
export function whenRollbackDecided(branch: Branch, row: RowContext): Branch {
  const { stage } = branch;
  switch (stage.at) {
    case 'asked':
      if (mayBeInFlight(stage.work, row) && !planted('rollback-while-forward-in-flight')) return branch;
      return toUndo({ ...branch, forwardAttempts: stage.work.attempt }, row);
    case 'parked':
      return toUndo({ ...branch, forwardAttempts: stage.attempt, forwardExpiresAt: stage.expiresAt }, row);
    case 'waiting':
    case 'done':
    case 'refused':
    case 'uncertain':
      return toUndo(branch, row);
    default:
      return branch;
  }
}

/** A branch at the moment of a commit decision. What is not done yet becomes commit work. */
export function whenCommitDecided(branch: Branch, row: RowContext): Branch {
  switch (branch.stage.at) {
    case 'done':
      return toCommit(branch, row);
    case 'uncertain':
      return begin(branch, row);
    case 'refused':
      return { ...branch, finishedAt: branch.finishedAt ?? row.at };
    default:
      return branch;
  }
}

/** Asks whatever has its turn now. */
export function advance(next: Next, row: RowContext): void {
  if (next.ended) return;
  if (next.decision === 'rollback') {
    startUndos(next, row);
  } else if (next.decision === 'commit') {
    startSteps(next, row);
    startMessages(next, row);
  } else if (next.drivenBy === 'plan' && !next.check && next.rollbackOnly === null) {
    startSteps(next, row);
    if (planted('deliver-before-the-commit')) startMessages(next, row);
  }
}

function startSteps(next: Next, row: RowContext): void {
  const hasTurn = doOrder(next);
  changeThose(next, 'waiting', (branch) => (hasTurn(branch) ? begin(branch, row) : branch));
}

function startMessages(next: Next, row: RowContext): void {
  if (!messagesMayGo(next)) return;
  const hasTurn = doOrder(next);
  changeThose(next, 'waiting', (branch) => {
    if (branch.kind !== 'message' || !hasTurn(branch)) return branch;
    const dueAt = Math.max(row.at, branch.deliverAt ?? 0);
    return { ...branch, stage: { at: 'asked', work: ask(kinds.message.commit, row, dueAt) }, startedAt: row.at };
  });
}

function startUndos(next: Next, row: RowContext): void {
  if (!next.branches.some((branch) => branch.stage.at === 'to_undo')) return;
  const hasTurn = undoOrder(next);
  changeThose(next, 'to_undo', (branch) => {
    const op = opOf(branch.kind, 'rollback');
    if (branch.stage.at !== 'to_undo' || !op || !hasTurn(branch)) return branch;
    const work = ask(op, row, Math.max(row.at, branch.forwardExpiresAt));
    return { ...branch, stage: { at: 'asked', work: { ...work, attempt: branch.stage.attempt } } };
  });
}

/** Changes the branches of one stage. What they are changed upon is the state as it was before the first of them. */
function changeThose(next: Next, at: Branch['stage']['at'], change: (branch: Branch) => Branch): void {
  let branches: Branch[] | undefined;
  for (const branch of next.branches) {
    if (branch.stage.at !== at) continue;
    const changed = change(branch);
    if (changed === branch) continue;
    branches ??= [...next.branches];
    branches[branch.number - 1] = changed;
  }
  if (branches) next.branches = branches;
}
