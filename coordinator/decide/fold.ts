/**
 * State is the fold of the log, and of nothing else: the same function applies an event when it is decided and when it
 * is read back.
 */
import { planted } from '#faults';
import type { AppendId, CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import { jsonBytes } from '../../sdk/protocol/json.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import {
  advance,
  ask,
  askAgain,
  begin,
  type RowContext,
  toCommit,
  toUndo,
  whenCommitDecided,
  whenRollbackDecided,
} from './advance.js';
import type { BranchSpec, Event, EventOf, Policy } from './events.js';
import { isAsked } from './order.js';
import { type Branch, type Check, copyOf, type Next, type Stage, type State, type Work } from './state.js';

/** A row of a log, parsed. */
export interface Row {
  readonly xid: Xid;
  readonly seq: number;
  readonly append: AppendId;
  readonly appender: CoordinatorId;
  readonly at: number;
  readonly events: readonly Event[];
}

/** Folds one more row. Throws when the row cannot follow: a log that does not fold is corrupt. */
export function foldRow(state: State | undefined, row: Row): State {
  let next = state;
  for (const event of row.events) next = applyEvent(next, event, row);
  if (!next || row.seq !== (state?.seq ?? 0) + 1) {
    throw new Error(`${row.xid}: expected row ${(state?.seq ?? 0) + 1} of the log, got row ${row.seq}`);
  }
  return asOf(next, row);
}

/** The state as a whole row left it. */
export function asOf(state: State, { seq, append, appender, at }: Omit<Row, 'events'>): State {
  const next = copyOf(state);
  next.seq = seq;
  next.append = append;
  next.owner = appender;
  next.at = at;
  return next;
}

/** Applies one event and whatever follows from it by itself. */
export function applyEvent(state: State | undefined, event: Event, row: Row): State {
  const next = event.type === 'opened' ? openedBy(state, event, row) : after(state, event, row);
  advance(next, row);
  if (next.parked && isAsked(next)) next.parked = false;
  return next;
}

function openedBy(state: State | undefined, event: EventOf<'opened'>, row: Row): Next {
  if (state) throw new Error(`${row.xid}: opened twice`);
  return opened(event, row);
}

/** One copy an event, which the rest of the fold fills in. */
function after(state: State | undefined, event: Exclude<Event, { type: 'opened' }>, row: Row): Next {
  if (!state) throw new Error(`${row.xid}: expected 'opened' first, got '${event.type}'`);
  const next = copyOf(state);
  apply(next, event, row);
  next.position++;
  return next;
}

function opened(event: EventOf<'opened'>, row: Row): Next {
  // Spelled out: every state has the same shape, which makes the many copies of it cheap.
  return {
    xid: row.xid,
    seq: 0,
    append: row.append,
    owner: row.appender,
    at: row.at,
    position: 1,
    origin: event.origin,
    name: event.name,
    businessKey: event.businessKey,
    metadata: event.metadata,
    fingerprint: event.fingerprint,
    traceId: event.traceId,
    drivenBy: event.drivenBy,
    onTimeout: event.onTimeout,
    checkTarget: event.check,
    policy: event.policy,
    openedAt: row.at,
    deadlineAt: event.deadlineAt,
    decidedAt: null,
    finishedAt: null,
    closing: false,
    rollbackOnly: null,
    check: null,
    decision: null,
    reason: null,
    parked: false,
    ended: null,
    byHand: false,
    proposal: null,
    grownBytes: 0,
    branches: event.branches.map((spec, index) => newBranch(spec, index + 1, 0, event.policy)),
  };
}

const newBranch = (spec: BranchSpec, number: number, addedPosition: number, policy: Policy): Branch => ({
  number,
  id: spec.id,
  kind: spec.kind,
  target: spec.target,
  input: spec.input,
  templated: spec.templated ?? false,
  after: spec.after,
  retry: spec.retry ?? policy.retry,
  timeoutMs: spec.timeoutMs ?? policy.callMs,
  pivot: spec.pivot ?? false,
  deliverAt: spec.deliverAt ?? null,
  fingerprint: spec.fingerprint ?? null,
  stage: { at: 'waiting' },
  forward: null,
  forwardAttempts: 0,
  forwardExpiresAt: 0,
  unansweredUntil: 0,
  output: null,
  code: null,
  lastError: null,
  startedAt: null,
  finishedAt: null,
  addedPosition,
  outcomePosition: null,
});

function apply(next: Next, event: Exclude<Event, { type: 'opened' }>, row: Row): void {
  switch (event.type) {
    case 'branch_added':
      added(next, event, row);
      break;
    case 'branch_done':
      change(next, event.branch, (branch) => forwardEnded(next, branch, event, row));
      next.grownBytes += jsonBytes(event.output);
      break;
    case 'branch_refused':
    case 'branch_uncertain':
      change(next, event.branch, (branch) => forwardEnded(next, branch, event, row));
      break;
    case 'attempt_failed':
    case 'branch_pending':
      change(next, event.branch, (branch) => againLater(branch, event, row));
      break;
    case 'branch_committed':
    case 'branch_undone':
      change(next, event.branch, (branch) => ({
        ...branch,
        stage: { at: event.type === 'branch_committed' ? 'committed' : 'undone', attempt: event.attempt },
        lastError: null,
        finishedAt: row.at,
      }));
      break;
    case 'branch_parked':
      change(next, event.branch, (branch) => parkedBranch(branch, event, row));
      break;
    case 'branch_resolved':
      change(next, event.branch, (branch) => resolved(next, branch, event, row));
      next.byHand = true;
      break;
    case 'resolution_proposed':
      next.proposal = { branches: event.branches, by: event.by, expiresAt: event.expiresAt };
      break;
    case 'closed':
      next.closing = true;
      break;
    case 'rollback_only':
      next.rollbackOnly = planted('forget-marks') ? null : event.reason;
      break;
    case 'rollback_wanted':
      next.check = { at: 'asked', work: ask('check', row), reason: event.reason, lastError: null };
      break;
    case 'check_failed':
      checkAgain(next, event, row);
      break;
    case 'check_parked':
      next.check = { at: 'parked', attempt: event.attempt, reason: event.reason };
      break;
    case 'decided':
      decided(next, event, row);
      break;
    case 'parked':
      next.parked = true;
      break;
    case 'ended':
      ended(next, event, row);
      break;
    case 'retried':
      retried(next, row);
      break;
    case 'adopted':
      adopted(next, event, row);
      break;
    default:
      unknownEvent(event, row);
  }
}

function ended(next: Next, { status }: EventOf<'ended'>, row: RowContext): void {
  next.ended = status;
  next.parked = false;
  next.finishedAt = row.at;
}

function unknownEvent(event: never, row: Row): never {
  throw new Error(`${row.xid}: row ${row.seq} has an event this version does not know: '${(event as Event).type}'`);
}

function change(next: Next, number: number, to: (branch: Branch) => Branch): void {
  const branch = next.branches[number - 1];
  if (!branch) throw new Error(`${next.xid}: the log names branch ${number}, there are ${next.branches.length}`);
  next.branches = next.branches.with(number - 1, to(branch));
  if (next.proposal?.branches.some((proposed) => proposed.branch === number)) next.proposal = null;
}

/** Where the branch must stand for an event to follow. */
function stageOf<At extends Stage['at']>({ id, stage }: Branch, at: At, { type }: Event): Extract<Stage, { at: At }> {
  if (stage.at !== at) throw new Error(`the log has '${type}' of branch '${id}', which is ${stage.at}, not ${at}`);
  return stage as Extract<Stage, { at: At }>;
}

function added(next: Next, event: EventOf<'branch_added'>, row: Row): void {
  const branch = newBranch(event.spec, next.branches.length + 1, next.position, next.policy);
  next.branches = [...next.branches, begin(branch, row)];
  next.grownBytes += jsonBytes(branch.input);
}

function forwardEnded(
  state: State,
  branch: Branch,
  event: EventOf<'branch_done' | 'branch_refused' | 'branch_uncertain'>,
  row: RowContext,
): Branch {
  const expiresAt = event.type === 'branch_uncertain' ? 0 : (event.expiresAt ?? 0);
  const unanswered = event.type === 'branch_uncertain' ? row.at + branch.timeoutMs : expiresAt;
  const ended: Ended = {
    ...branch,
    forwardAttempts: event.attempt,
    forwardExpiresAt: expiresAt,
    unansweredUntil: Math.max(branch.unansweredUntil, unanswered),
    outcomePosition: event.type === 'branch_uncertain' ? null : state.position,
  };
  tellOutcome(ended, event);
  return asDecided(state, ended, row);
}

type Ended = { -readonly [Field in keyof Branch]: Branch[Field] };

/** What the decision, if there is one, makes of a forward op that ended. */
function asDecided({ decision }: State, branch: Branch, row: RowContext): Branch {
  if (decision === 'rollback') return toUndo(branch, row);
  return decision === 'commit' && branch.forward === 'done' ? toCommit(branch, row) : branch;
}

function tellOutcome(ended: Ended, event: EventOf<'branch_done' | 'branch_refused' | 'branch_uncertain'>): void {
  switch (event.type) {
    case 'branch_done':
      ended.stage = { at: 'done' };
      ended.forward = 'done';
      ended.output = event.output;
      ended.lastError = null;
      break;
    case 'branch_refused':
      ended.stage = { at: 'refused' };
      ended.forward = 'refused';
      ended.code = event.code;
      ended.lastError = event.reason;
      break;
    case 'branch_uncertain':
      ended.stage = { at: 'uncertain' };
      ended.forward = 'unknown';
      ended.lastError = event.error;
  }
}

function againLater(branch: Branch, event: EventOf<'attempt_failed' | 'branch_pending'>, row: RowContext): Branch {
  const { work } = stageOf(branch, 'asked', event);
  if (event.type === 'branch_pending') {
    const again = askAgain(work, row, event.dueAt, { pendingSince: work.pendingSince ?? row.at, crashes: 0 });
    return { ...branch, stage: { at: 'asked', work: again } };
  }
  const again = askAgain(work, row, event.dueAt, failedOnce(work, event.crashed === true));
  const unansweredUntil = Math.max(branch.unansweredUntil, row.at + branch.timeoutMs);
  return { ...branch, lastError: event.error, unansweredUntil, stage: { at: 'asked', work: again } };
}

const failedOnce = (work: Work, crashed: boolean): Partial<Work> => ({
  failures: work.failures + 1,
  // In a row: an attempt that its coordinator survived shows that the command does not kill its sender.
  crashes: crashed ? work.crashes + 1 : 0,
});

function parkedBranch(branch: Branch, event: EventOf<'branch_parked'>, row: RowContext): Branch {
  const { op, attempt, reason, expiresAt } = event;
  const forwardAttempts = phaseOf(branch.kind, op) === 'forward' ? attempt : branch.forwardAttempts;
  const unansweredUntil = Math.max(branch.unansweredUntil, expiresAt);
  const stage: Stage = planted('parked-is-tried-again')
    ? { at: 'asked', work: afresh(op, attempt + 1, row, Math.max(row.at, expiresAt) + branch.retry.initialMs) }
    : { at: 'parked', op, attempt, reason, expiresAt };
  return { ...branch, forwardAttempts, unansweredUntil, lastError: reason, finishedAt: null, stage };
}

function resolved(state: State, branch: Branch, event: EventOf<'branch_resolved'>, row: RowContext): Branch {
  const { op, attempt } = stageOf(branch, 'parked', event);
  const phase = phaseOf(branch.kind, op);
  if (phase === 'forward' && event.as === 'done') {
    const done: Branch = {
      ...branch,
      forward: 'done',
      output: event.output,
      outcomePosition: state.position,
      stage: { at: 'done' },
    };
    return asDecided(state, done, row);
  }
  const forward = phase === 'forward' ? 'refused' : branch.forward;
  const done = { at: phase === 'commit' ? 'committed' : 'undone', attempt } as const;
  return { ...branch, forward, stage: event.as === 'done' ? done : { at: 'skipped' }, finishedAt: row.at };
}

function checkAgain(next: Next, event: EventOf<'check_failed'>, row: RowContext): void {
  const { check } = next;
  if (check?.at !== 'asked') throw new Error(`${next.xid}: the log has '${event.type}', and no check is asked`);
  const work = askAgain(check.work, row, event.dueAt, failedOnce(check.work, event.crashed === true));
  next.check = { ...check, work, lastError: event.error };
}

function decided(next: Next, event: EventOf<'decided'>, row: RowContext): void {
  const each = event.decision === 'commit' ? whenCommitDecided : whenRollbackDecided;
  next.decision = event.decision;
  next.reason = event.reason;
  next.decidedAt = row.at;
  next.check = null;
  next.proposal = null;
  next.branches = next.branches.map((branch) => each(branch, row));
}

/** Tries again now whatever is parked or waits for its next attempt, with a fresh measure of patience. */
function retried(next: Next, row: RowContext): void {
  next.proposal = null;
  next.branches = next.branches.map((branch): Branch => {
    const { stage } = branch;
    if (stage.at === 'parked') return { ...branch, stage: retriedStage(branch, stage, row) };
    if (stage.at !== 'asked' || stage.work.dueAt <= row.at) return branch;
    // An undo still waits for a forward command that may be under way.
    const dueAt = Math.max(row.at, branch.forwardExpiresAt);
    return { ...branch, stage: { at: 'asked', work: afresh(stage.work.op, stage.work.attempt, row, dueAt) } };
  });
  next.check = next.check && checkNow(next.check, row);
}

/** An undo takes its turn again: what came after it may have parked too. */
function retriedStage({ kind }: Branch, { op, attempt }: Extract<Stage, { at: 'parked' }>, row: RowContext): Stage {
  if (phaseOf(kind, op) === 'rollback') return { at: 'to_undo', attempt: attempt + 1 };
  return { at: 'asked', work: afresh(op, attempt + 1, row) };
}

function checkNow(check: Check, row: RowContext): Check {
  if (check.at === 'parked')
    return { at: 'asked', reason: check.reason, lastError: null, work: afresh('check', check.attempt + 1, row) };
  return check.work.dueAt <= row.at ? check : { ...check, work: afresh('check', check.work.attempt, row) };
}

const afresh = (op: Work['op'], attempt: number, row: RowContext, dueAt?: number): Work => ({
  ...ask(op, row, dueAt),
  attempt,
});

/** The dead owner's attempts that are due later become the new owner's; those in flight are counted by events of their own. */
function adopted(next: Next, { from }: EventOf<'adopted'>, row: RowContext): void {
  const mine = (work: Work): Work =>
    work.by === from && work.dueAt > row.at ? { ...work, by: row.appender, seq: row.seq } : work;
  next.branches = next.branches.map((branch) =>
    branch.stage.at === 'asked' ? { ...branch, stage: { ...branch.stage, work: mine(branch.stage.work) } } : branch,
  );
  if (next.check?.at === 'asked') next.check = { ...next.check, work: mine(next.check.work) };
}
