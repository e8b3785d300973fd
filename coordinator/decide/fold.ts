/**
 * State is the fold of the log, and of nothing else: the same function applies an event when it is decided and when it
 * is read back.
 */
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
import type { Branch, Check, Stage, State, Work } from './state.js';

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
  return { ...next, seq: row.seq, append: row.append, owner: row.appender, at: row.at };
}

/** Applies one event and whatever follows from it by itself. */
export function applyEvent(state: State | undefined, event: Event, row: Row): State {
  if (event.type === 'opened') {
    if (state) throw new Error(`${row.xid}: opened twice`);
    return advance(opened(event, row), row);
  }
  if (!state) throw new Error(`${row.xid}: expected 'opened' first, got '${event.type}'`);
  const next = apply(state, event, row);
  const advanced = advance({ ...next, position: next.position + 1 }, row);
  return advanced.parked && isAsked(advanced) ? { ...advanced, parked: false } : advanced;
}

function opened(event: EventOf<'opened'>, row: Row): State {
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
  lastError: null,
  startedAt: null,
  finishedAt: null,
  addedPosition,
  outcomePosition: null,
});

function apply(state: State, event: Exclude<Event, { type: 'opened' }>, row: Row): State {
  switch (event.type) {
    case 'branch_added':
      return added(state, event, row);
    case 'branch_done':
      return {
        ...change(state, event.branch, (branch) => forwardEnded(state, branch, event, row)),
        grownBytes: state.grownBytes + jsonBytes(event.output),
      };
    case 'branch_refused':
    case 'branch_uncertain':
      return change(state, event.branch, (branch) => forwardEnded(state, branch, event, row));
    case 'attempt_failed':
    case 'branch_pending':
      return change(state, event.branch, (branch) => againLater(branch, event, row));
    case 'branch_committed':
    case 'branch_undone':
      return change(state, event.branch, (branch) => ({
        ...branch,
        stage: { at: event.type === 'branch_committed' ? 'committed' : 'undone', attempt: event.attempt },
        lastError: null,
        finishedAt: row.at,
      }));
    case 'branch_parked':
      return change(state, event.branch, (branch) => parkedBranch(branch, event));
    case 'branch_resolved':
      return { ...change(state, event.branch, (branch) => resolved(state, branch, event, row)), byHand: true };
    case 'closed':
      return { ...state, closing: true };
    case 'rollback_only':
      return { ...state, rollbackOnly: event.reason };
    case 'rollback_wanted':
      return { ...state, check: { at: 'asked', work: ask('check', row), reason: event.reason, lastError: null } };
    case 'check_failed':
      return checkAgain(state, event, row);
    case 'check_parked':
      return { ...state, check: { at: 'parked', attempt: event.attempt, reason: event.reason } };
    case 'decided':
      return decided(state, event, row);
    case 'parked':
      return { ...state, parked: true };
    case 'ended':
      return { ...state, ended: event.status, parked: false, finishedAt: row.at };
    case 'retried':
      return retried(state, row);
    case 'adopted':
      return adopted(state, event, row);
    default:
      return unknownEvent(event, row);
  }
}

function unknownEvent(event: never, row: Row): never {
  throw new Error(`${row.xid}: row ${row.seq} has an event this version does not know: ${JSON.stringify(event)}`);
}

function change(state: State, number: number, to: (branch: Branch) => Branch): State {
  const branch = state.branches[number - 1];
  if (!branch) throw new Error(`${state.xid}: the log names branch ${number}, there are ${state.branches.length}`);
  const branches = [...state.branches];
  branches[number - 1] = to(branch);
  return { ...state, branches };
}

function added(state: State, event: EventOf<'branch_added'>, row: Row): State {
  const branch = newBranch(event.spec, state.branches.length + 1, state.position, state.policy);
  const begun: Branch = branch.kind === 'message' ? branch : begin(branch, row);
  const grownBytes = state.grownBytes + jsonBytes(branch.input);
  return { ...state, branches: [...state.branches, begun], grownBytes };
}

function forwardEnded(
  state: State,
  branch: Branch,
  event: EventOf<'branch_done' | 'branch_refused' | 'branch_uncertain'>,
  row: RowContext,
): Branch {
  const expiresAt = event.type === 'branch_uncertain' ? 0 : (event.expiresAt ?? 0);
  const unanswered = event.type === 'branch_uncertain' ? row.at + branch.timeoutMs : expiresAt;
  const ended: Branch = {
    ...branch,
    forwardAttempts: event.attempt,
    forwardExpiresAt: expiresAt,
    unansweredUntil: Math.max(branch.unansweredUntil, unanswered),
    outcomePosition: event.type === 'branch_uncertain' ? null : state.position,
    ...forwardFacts(event),
  };
  return asDecided(state, ended, row);
}

/** What the decision, if there is one, makes of a forward op that ended. */
function asDecided({ decision }: State, branch: Branch, row: RowContext): Branch {
  if (decision === 'rollback') return toUndo(branch, row);
  return decision === 'commit' && branch.forward === 'done' ? toCommit(branch, row) : branch;
}

function forwardFacts(event: EventOf<'branch_done' | 'branch_refused' | 'branch_uncertain'>): Partial<Branch> {
  switch (event.type) {
    case 'branch_done':
      return { stage: { at: 'done' }, forward: 'done', output: event.output, lastError: null };
    case 'branch_refused':
      return { stage: { at: 'refused' }, forward: 'refused', lastError: event.reason };
    case 'branch_uncertain':
      return { stage: { at: 'uncertain' }, forward: 'unknown', lastError: event.error };
  }
}

function againLater(branch: Branch, event: EventOf<'attempt_failed' | 'branch_pending'>, row: RowContext): Branch {
  if (branch.stage.at !== 'asked') return branch;
  const { work } = branch.stage;
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

function parkedBranch(branch: Branch, event: EventOf<'branch_parked'>): Branch {
  const { op, attempt, reason, expiresAt } = event;
  const forwardAttempts = phaseOf(branch.kind, op) === 'forward' ? attempt : branch.forwardAttempts;
  const unansweredUntil = Math.max(branch.unansweredUntil, expiresAt);
  const stage: Stage = { at: 'parked', op, attempt, reason, expiresAt };
  return { ...branch, forwardAttempts, unansweredUntil, lastError: reason, finishedAt: null, stage };
}

function resolved(state: State, branch: Branch, event: EventOf<'branch_resolved'>, row: RowContext): Branch {
  if (branch.stage.at !== 'parked') return branch;
  const phase = phaseOf(branch.kind, branch.stage.op);
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
  const done = { at: phase === 'commit' ? 'committed' : 'undone', attempt: branch.stage.attempt } as const;
  return { ...branch, forward, stage: event.as === 'done' ? done : { at: 'skipped' }, finishedAt: row.at };
}

function checkAgain(state: State, event: EventOf<'check_failed'>, row: RowContext): State {
  if (state.check?.at !== 'asked') return state;
  const work = askAgain(state.check.work, row, event.dueAt, failedOnce(state.check.work, event.crashed === true));
  return { ...state, check: { ...state.check, work, lastError: event.error } };
}

function decided(state: State, event: EventOf<'decided'>, row: RowContext): State {
  const each = event.decision === 'commit' ? whenCommitDecided : whenRollbackDecided;
  return {
    ...state,
    decision: event.decision,
    reason: event.reason,
    decidedAt: row.at,
    check: null,
    branches: state.branches.map((branch) => each(branch, row)),
  };
}

/** Tries again now whatever is parked or waits for its next attempt, with a fresh measure of patience. */
function retried(state: State, row: RowContext): State {
  const branches = state.branches.map((branch): Branch => {
    const { stage } = branch;
    if (stage.at === 'parked') return { ...branch, stage: retriedStage(branch, stage, row) };
    if (stage.at !== 'asked' || stage.work.dueAt <= row.at) return branch;
    // An undo still waits for a forward command that may be under way.
    const dueAt = Math.max(row.at, branch.forwardExpiresAt);
    return { ...branch, stage: { at: 'asked', work: afresh(stage.work.op, stage.work.attempt, row, dueAt) } };
  });
  return { ...state, branches, check: state.check && checkNow(state.check, row) };
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
function adopted(state: State, { from }: EventOf<'adopted'>, row: RowContext): State {
  const mine = (work: Work): Work =>
    work.by === from && work.dueAt > row.at ? { ...work, by: row.appender, seq: row.seq } : work;
  const branches = state.branches.map((branch) =>
    branch.stage.at === 'asked' ? { ...branch, stage: { ...branch.stage, work: mine(branch.stage.work) } } : branch,
  );
  const check = state.check?.at === 'asked' ? { ...state.check, work: mine(state.check.work) } : state.check;
  return { ...state, branches, check };
}
