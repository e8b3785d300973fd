import { planted } from '#faults';
import { phaseOf } from '../../../sdk/protocol/kinds.js';
import type { Outcome } from '../../../sdk/protocol/outcomes.js';
import { delayMs } from '../backoff.js';
import { conclude } from '../conclude.js';
import type { Draft } from '../draft.js';
import type { InputOf, Verdict } from '../inputs.js';
import { type Branch, branchOf, type Work } from '../state.js';
import { refuse, same, stale } from './verdicts.js';

/** A branch with the op that is asked of it. */
interface Asked {
  readonly branch: Branch;
  readonly work: Work;
}

export function outcome(draft: Draft, input: InputOf<'outcome'>): Verdict | undefined {
  const branch = branchOf(draft.state, input.branch);
  if (!branch) return refuse('branch_not_found', `${draft.state.xid} has no branch ${input.branch}`);
  const asked = askedFor(branch, input);
  if (!asked) return afterwards(draft, branch, input);
  const certain = input.outcome.kind === 'done' || input.outcome.kind === 'refused';
  if (!certain && input.attempt !== asked.work.attempt) return stale('a newer attempt is under way');
  record(draft, asked, input.outcome);
  conclude(draft);
  return undefined;
}

/** The op this outcome answers, if it is still being asked. */
function askedFor(branch: Branch, { op, attempt }: InputOf<'outcome'>): Asked | undefined {
  if (branch.stage.at !== 'asked' || branch.stage.work.op !== op) return undefined;
  const { work } = branch.stage;
  return attempt === 'late' || attempt <= work.attempt ? { branch, work } : undefined;
}

/** Emits what an outcome means. */
function record(draft: Draft, asked: Asked, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'done':
      return done(draft, asked, outcome.output);
    case 'refused':
      return refused(draft, asked, outcome);
    case 'pending':
      return pending(draft, asked, outcome.retryAfterMs);
    case 'unknown':
      return unknown(draft, asked, outcome);
  }
}

function done(draft: Draft, { branch, work }: Asked, output: Extract<Outcome, { kind: 'done' }>['output']): void {
  const { number } = branch;
  const { attempt } = work;
  switch (phaseOf(branch.kind, work.op)) {
    case 'forward':
      return draft.emit({ type: 'branch_done', branch: number, attempt, output });
    case 'commit':
      return draft.emit({ type: 'branch_committed', branch: number, attempt });
    default:
      return draft.emit({ type: 'branch_undone', branch: number, attempt });
  }
}

function refused(draft: Draft, asked: Asked, { reason, code }: Extract<Outcome, { kind: 'refused' }>): void {
  const { branch, work } = asked;
  const forward = phaseOf(branch.kind, work.op) === 'forward';
  if (forward && draft.state.decision !== 'commit') {
    const { attempt } = work;
    return draft.emit({ type: 'branch_refused', branch: branch.number, attempt, reason, code: code ?? null });
  }
  if (planted('refused-undo-is-done')) return done(draft, asked, null);
  // Answered, so nothing is in flight: it can be resolved at once.
  park(draft, asked, code ? `${code}: ${reason}` : reason, 0);
}

function pending(draft: Draft, asked: Asked, retryAfterMs: number): void {
  const { branch, work } = asked;
  const { now } = draft.moment;
  const forward = phaseOf(branch.kind, work.op) === 'forward';
  if (forward && draft.state.decision === 'rollback') return giveUp(draft, asked, 'still pending at the rollback');
  const pendingForMs = now - (work.pendingSince ?? now);
  if (pendingForMs >= draft.state.policy.pendingForMs && !planted('pending-for-ever')) {
    return giveUp(draft, asked, `still pending after ${pendingForMs} ms`);
  }
  draft.emit({ type: 'branch_pending', branch: branch.number, op: work.op, attempt: work.attempt, dueAt: now + retryAfterMs });
}

function unknown(draft: Draft, asked: Asked, outcome: Extract<Outcome, { kind: 'unknown' }>): void {
  failed(draft, asked, outcome.error, { retryAfterMs: outcome.retryAfterMs ?? 0, crashed: false });
}

/** An attempt without an outcome: again later, or given up when its attempts or its time are used up. */
export function failed(
  draft: Draft,
  asked: Asked,
  error: string,
  { retryAfterMs, crashed }: { readonly retryAfterMs: number; readonly crashed: boolean },
): void {
  const { branch, work } = asked;
  const { now, draw } = draft.moment;
  const { policy, decision } = draft.state;
  const forward = phaseOf(branch.kind, work.op) === 'forward';
  if (forward && decision === 'rollback') return giveUp(draft, asked, error);
  const counted = forward && decision !== 'commit';
  const usedUp = counted ? work.failures + 1 >= branch.retry.attemptsMax : now - work.since >= policy.parkAfterMs;
  const poison = crashed && work.crashes + 1 >= policy.crashesMax;
  if (usedUp || poison) return giveUp(draft, asked, error);
  const backoff = counted ? branch.retry : policy.backoff;
  const dueAt = now + Math.max(retryAfterMs, delayMs(backoff, work.failures, draw, branch.number));
  const { op, attempt } = work;
  draft.emit({ type: 'attempt_failed', branch: branch.number, op, attempt, error, dueAt, ...(crashed && { crashed }) });
}

/** No outcome, and no more attempts. A pivot parks: it may have taken effect, and nothing may decide against it. */
function giveUp(draft: Draft, asked: Asked, error: string): void {
  const { branch, work } = asked;
  const { decision } = draft.state;
  const forward = phaseOf(branch.kind, work.op) === 'forward';
  if (forward && (decision === 'rollback' || (decision === null && !branch.pivot))) {
    return draft.emit({ type: 'branch_uncertain', branch: branch.number, attempt: work.attempt, error });
  }
  park(draft, asked, error, Math.max(work.dueAt, draft.moment.now) + branch.timeoutMs);
}

function park(draft: Draft, { branch, work }: Asked, reason: string, expiresAt: number): void {
  const { op, attempt } = work;
  draft.emit({ type: 'branch_parked', branch: branch.number, op, attempt, reason, expiresAt });
}

/** An outcome that the log cannot take parks its own branch. */
export function unstorable(draft: Draft, { branch: number, op, error }: InputOf<'unstorable'>): Verdict | undefined {
  const branch = branchOf(draft.state, number);
  if (branch?.stage.at !== 'asked' || branch.stage.work.op !== op) return stale('it is not being asked any more');
  park(draft, { branch, work: branch.stage.work }, `its outcome could not be stored: ${error}`, 0);
  conclude(draft);
  return undefined;
}

/** An outcome for an op that nobody is asking just now. */
function afterwards(draft: Draft, branch: Branch, input: InputOf<'outcome'>): Verdict | undefined {
  const { stage } = branch;
  const forward = phaseOf(branch.kind, input.op) === 'forward';
  const parkedOnIt = stage.at === 'parked' && stage.op === input.op;
  const doneBeforeUndo = forward && stage.at === 'to_undo' && branch.forward === 'unknown';
  if (input.outcome.kind !== 'done' || !(parkedOnIt || doneBeforeUndo)) return lateOutcome(draft, input);
  done(draft, { branch, work: workOf(branch, input) }, input.outcome.output);
  conclude(draft);
  return undefined;
}

function workOf(branch: Branch, input: InputOf<'outcome'>): Work {
  const attempt = branch.stage.at === 'parked' ? branch.stage.attempt : branch.forwardAttempts;
  const none = { failures: 0, crashes: 0, dueAt: 0, since: 0, pendingSince: null, seq: 0 };
  return { op: input.op, attempt, by: '' as Work['by'], ...none };
}

/** Held against what is recorded: a repeat is fine, a contradiction is an alarm. */
export function lateOutcome(draft: Draft, input: InputOf<'outcome'>): Verdict {
  const branch = branchOf(draft.state, input.branch);
  if (!branch) return refuse('branch_not_found', `${draft.state.xid} has no branch ${input.branch}`);
  const recorded = recordedFor(branch, input);
  const said = input.outcome.kind;
  if (said === 'pending' || said === 'unknown') return stale('nothing is asked of the branch now');
  if (planted('accept-any-late-outcome')) {
    record(draft, { branch, work: workOf(branch, input) }, input.outcome);
    return { kind: 'append', events: draft.events };
  }
  if (recorded === said) return same;
  if (!definite.has(recorded)) return stale(`'${input.op}' is ${recorded}`);
  const detail = `branch ${branch.number} of ${draft.state.xid}: '${input.op}' is recorded as ${recorded}, got ${said}`;
  return refuse('outcome_contradicts', detail);
}

/** What an outcome can contradict; anything else is not known or not over. */
const definite = new Set(['done', 'refused', 'never asked', 'skipped']);

function recordedFor(branch: Branch, { op }: InputOf<'outcome'>): string {
  switch (phaseOf(branch.kind, op)) {
    case 'forward':
      return branch.forward ?? 'never asked';
    case 'commit':
      return branch.stage.at === 'committed' ? 'done' : branch.stage.at;
    case 'rollback':
      return branch.stage.at === 'undone' ? 'done' : branch.stage.at;
    default:
      return `no op of kind ${branch.kind}`;
  }
}
