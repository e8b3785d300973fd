/** What came back for a command, as one event. Which one depends on the op's phase and on what is decided. */
import { planted } from '#faults';
import { type Json, jsonBytes } from '../../../sdk/protocol/json.js';
import { phaseOf } from '../../../sdk/protocol/kinds.js';
import { limits } from '../../../sdk/protocol/limits.js';
import type { Outcome } from '../../../sdk/protocol/outcomes.js';
import { delayMs } from '../backoff.js';
import type { Draft } from '../draft.js';
import type { Event } from '../events.js';
import type { Branch, Work } from '../state.js';

/** A branch with the op that is asked of it. */
export interface Asked {
  readonly branch: Branch;
  readonly work: Work;
}

/** A command that was answered. */
export interface Answered extends Asked {
  /** Another command of the op may take effect until then; 0 when none can. */
  readonly expiresAt: number;
}

type Said<Kind extends Outcome['kind']> = Extract<Outcome, { kind: Kind }>;

const isForward = ({ branch, work }: Asked): boolean => phaseOf(branch.kind, work.op) === 'forward';

export function meaningOf(draft: Draft, answered: Answered, outcome: Outcome): Event {
  switch (outcome.kind) {
    case 'done':
      if (isForward(answered) && !hasRoomFor(draft, outcome.output))
        return unstored(draft, answered, noRoom, answered.expiresAt);
      return done(answered, outcome);
    case 'refused':
      return refused(draft, answered, outcome);
    case 'pending':
      return pending(draft, answered, outcome);
    case 'unknown':
      return failed(draft, answered, outcome.error, { retryAfterMs: outcome.retryAfterMs ?? 0 });
  }
}

function done({ branch, work, expiresAt }: Answered, { output }: Said<'done'>): Event {
  const { number } = branch;
  const { attempt } = work;
  switch (phaseOf(branch.kind, work.op)) {
    case 'forward':
      return { type: 'branch_done', branch: number, attempt, output, ...until(expiresAt) };
    case 'commit':
      return { type: 'branch_committed', branch: number, attempt };
    default:
      return { type: 'branch_undone', branch: number, attempt };
  }
}

/** A transaction that grew without end would stop the process of all others. */
export const hasRoomFor = ({ state }: Pick<Draft, 'state'>, value: Json): boolean =>
  state.grownBytes + jsonBytes(value) <= limits.grownBytes;
export const noRoom = `the branches and outputs of one transaction are at most ${limits.grownBytes} bytes together`;

/** An outcome that the log cannot take parks its own branch. One that is to be undone anyway is undone. */
export function unstored(draft: Draft, asked: Asked, error: string, until: number): Event {
  const reason = `its outcome could not be stored: ${error}`;
  const overtaken = isForward(asked) && draft.state.decision === 'rollback';
  return overtaken ? giveUp(draft, asked, reason) : park(asked, reason, until);
}

/** A no to a forward op is final; to any other op, and to work that is to be committed, it means: not as things stand. */
function refused({ state }: Draft, answered: Answered, { reason, code }: Said<'refused'>): Event {
  const { branch, work, expiresAt } = answered;
  if (isForward(answered) && state.decision !== 'commit') {
    const said = { branch: branch.number, attempt: work.attempt, reason, code: code ?? null };
    return { type: 'branch_refused', ...said, ...until(expiresAt) };
  }
  if (planted('refused-undo-is-done')) return done(answered, { kind: 'done', output: null });
  return park(answered, code ? `${code}: ${reason}` : reason, expiresAt);
}

const until = (expiresAt: number) => (expiresAt > 0 ? { expiresAt } : undefined);

function pending(draft: Draft, answered: Answered, { retryAfterMs }: Said<'pending'>): Event {
  const { branch, work } = answered;
  const { now } = draft.moment;
  const { decision, policy } = draft.state;
  if (isForward(answered) && decision === 'rollback') return giveUp(draft, answered, 'still pending at the rollback');
  const pendingMs = now - (work.pendingSince ?? now);
  if (pendingMs >= policy.pendingForMs && !planted('pending-for-ever')) {
    return giveUp(draft, answered, `still pending after ${pendingMs} ms`);
  }
  const { op, attempt } = work;
  // "At once" would be a flood.
  const dueAt = now + Math.max(retryAfterMs, policy.backoff.initialMs);
  return { type: 'branch_pending', branch: branch.number, op, attempt, dueAt };
}

interface Failure {
  readonly retryAfterMs?: number;
  /** Its coordinator died with it. */
  readonly crashed?: boolean;
}

/** An attempt without an outcome: again later, or given up when its attempts or its time are used up. */
export function failed(
  draft: Draft,
  asked: Asked,
  error: string,
  { retryAfterMs = 0, crashed = false }: Failure,
): Event {
  const { branch, work } = asked;
  const { now, draw } = draft.moment;
  const { policy, decision } = draft.state;
  const counted = isForward(asked) && decision !== 'commit';
  // Time in which no coordinator was there to try is not held against the participant.
  const timeIsUp = !crashed && now - work.since >= policy.parkAfterMs;
  const usedUp = planted('attempts-without-end')
    ? false
    : counted
      ? work.failures + 1 >= branch.retry.attemptsMax
      : timeIsUp;
  const poison = crashed && work.crashes + 1 >= policy.crashesMax;
  const overtaken = counted && decision === 'rollback';
  if (usedUp || poison || overtaken) return giveUp(draft, asked, error);
  const backoff = counted ? branch.retry : policy.backoff;
  const dueAt = now + Math.max(retryAfterMs, delayMs(backoff, work.failures, draw, branch.number));
  const { op, attempt } = work;
  return { type: 'attempt_failed', branch: branch.number, op, attempt, error, dueAt, ...(crashed && { crashed }) };
}

/** No outcome, and no more attempts. A pivot parks: it may have taken effect, and nothing may decide against it. */
export function giveUp(draft: Draft, asked: Asked, error: string): Event {
  const { branch, work } = asked;
  const { decision } = draft.state;
  if (
    isForward(asked) &&
    (decision === 'rollback' || (decision === null && (!branch.pivot || planted('pivot-in-doubt-is-a-no'))))
  ) {
    return { type: 'branch_uncertain', branch: branch.number, attempt: work.attempt, error };
  }
  return park(asked, error, Math.max(work.dueAt, draft.moment.now) + branch.timeoutMs);
}

/** `until`: when the command it parks upon can no longer take effect; 0 when that was answered. */
export function park({ branch, work }: Asked, reason: string, until: number): Event {
  const { op, attempt } = work;
  const expiresAt = Math.max(until, branch.unansweredUntil);
  return { type: 'branch_parked', branch: branch.number, op, attempt, reason, expiresAt };
}
