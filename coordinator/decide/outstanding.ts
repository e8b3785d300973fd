/** Which commands are outstanding: a pure function of the state. Nothing of it is stored. */
import { planted } from '#faults';
import type { Command, CommandBody } from '../../sdk/protocol/commands.js';
import type { CoordinatorId } from '../../sdk/protocol/ids.js';
import type { Json } from '../../sdk/protocol/json.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import { limits } from '../../sdk/protocol/limits.js';
import { fillIn } from '../../sdk/protocol/references.js';
import { outputOf, pivotInDoubt } from './conclude.js';
import { type Branch, type State, statusOf, type Work } from './state.js';

export interface Outstanding {
  /** 0 is the check of the initiator. */
  readonly branch: number;
  readonly work: Work;
  /** UTC ms of the log's count: by then its outcome is known, or it has none. */
  readonly expiresAt: number;
  /** Only its outcome is waited for: a forward op that was on its way when rollback was decided. Never sent again. */
  readonly awaited: boolean;
}

export function outstanding(state: State): readonly Outstanding[] {
  if (state.ended) return [];
  const found: Outstanding[] = [];
  for (const { number, stage, kind, timeoutMs } of state.branches) {
    if (stage.at !== 'asked') continue;
    const { work } = stage;
    const awaited = state.decision === 'rollback' && phaseOf(kind, work.op) === 'forward';
    found.push({ branch: number, work, expiresAt: work.dueAt + timeoutMs, awaited });
  }
  if (state.check?.at === 'asked') {
    const { work } = state.check;
    found.push({ branch: 0, work, expiresAt: work.dueAt + state.policy.callMs, awaited: false });
  }
  return found;
}

/** The command for what is outstanding, to be sent now. One that is sent late keeps its full time. */
export function commandFor(
  state: State,
  { branch: number, work, expiresAt }: Outstanding,
  now: number,
): Command | undefined {
  const timeoutMs = expiresAt - work.dueAt;
  const late = now - work.dueAt > timeoutMs / 2;
  const sent = {
    attempt: work.attempt,
    dueAt: work.dueAt,
    expiresAt: late ? now + timeoutMs : expiresAt,
    traceId: state.traceId,
  };
  const { xid } = state;
  if (number === 0) {
    if (!state.checkTarget) return undefined;
    return {
      ...sent,
      target: state.checkTarget,
      body: { xid, branch: 0, id: '_check', op: 'check', input: state.metadata },
    };
  }
  const branch = state.branches[number - 1];
  return branch && { ...sent, target: branch.target, body: bodyOf(state, branch, work) };
}

function bodyOf(state: State, branch: Branch, { op }: Work): CommandBody {
  const { number, id, kind } = branch;
  const body = { xid: state.xid, branch: number, id, kind, op, input: inputOf(state, branch) };
  const { forward } = branch;
  // A message has no forward op, so that nothing is known of one.
  if (phaseOf(kind, op) === 'forward' || forward === null) return body;
  const output = forward === 'done' && branch.output !== null ? { output: branch.output } : {};
  const reason = phaseOf(kind, op) === 'rollback' && state.reason !== null ? { reason: state.reason } : {};
  return { ...body, ...output, forward, ...reason };
}

/** The input with its references filled in. */
export const inputOf = (state: State, branch: Branch): Json => filledInput(state, branch).value;

/** The same, and how many bytes it was filled with; as it was given where that would be more than `bytesMax`. */
export function filledInput(
  state: State,
  branch: Branch,
  bytesMax: number = limits.filledBytes,
): { readonly value: Json; readonly bytes: number } {
  const filled = branch.templated && fillIn(branch.input, (step) => outputOf(state, step), bytesMax);
  return filled && 'value' in filled ? filled : { value: branch.input, bytes: 0 };
}

/** The deadline while it still counts: nothing is decided or asked, and no pivot is in doubt. */
export const openDeadline = (state: State): number | null =>
  state.decision || state.check || state.parked || pivotInDoubt(state) || planted('no-deadline')
    ? null
    : state.deadlineAt;

/**
 * When somebody must look at the transaction again though nothing came in: its deadline, a later attempt, or the end
 * of a command that another coordinator may have sent. What is in the hands of `me` now is not in it.
 */
export function nextDueAt(state: State, me: CoordinatorId = state.owner, at = state.at): number | null {
  if (statusOf(state) === 'parked' || state.ended) return null;
  const due: number[] = [];
  const deadline = openDeadline(state);
  if (deadline !== null) due.push(deadline);
  for (const { work, expiresAt, awaited } of outstanding(state)) {
    if (work.by !== me || awaited) due.push(expiresAt);
    else if (work.dueAt > at) due.push(work.dueAt);
  }
  return due.length === 0 ? null : Math.min(...due);
}
