/**
 * What an event leads to: the decision, the parking, the end. Called once after the facts of an input are emitted, so
 * that a fact and its consequence are one row.
 */
import { planted } from '#faults';
import { opOf, phaseOf } from '../../sdk/protocol/kinds.js';
import { limits } from '../../sdk/protocol/limits.js';
import { fillIn } from '../../sdk/protocol/references.js';
import type { Draft } from './draft.js';
import { allSettled, onlyParkedLeft } from './order.js';
import { type Branch, phaseOfState, type State } from './state.js';

export function conclude(draft: Draft): void {
  // Each may lead to more of the other: a decision begins work, and a step that stops makes way.
  do decideWhenTime(draft);
  while (refuseUnfilled(draft));
  end(draft);
}

/** A step whose input cannot be filled in when it is due is refused by the coordinator: nothing was sent. True: there was one. */
function refuseUnfilled(draft: Draft): boolean {
  const before = draft.events.length;
  for (const { number } of draft.state.branches) {
    const branch = draft.state.branches[number - 1];
    if (!branch?.templated || branch.stage.at !== 'asked' || branch.stage.work.seq !== draft.seq) continue;
    const { op } = branch.stage.work;
    if (phaseOf(branch.kind, op) === 'rollback') continue;
    const filled = fillIn(branch.input, (step) => outputOf(draft.state, step), limits.filledBytes);
    if ('value' in filled) continue;
    const [code, detail] =
      'missing' in filled
        ? ['reference_missing', `{"$from": "${filled.missing}"} has no value in the outputs so far`]
        : ['input_too_large', `its references stand for more than ${filled.bytesOver} bytes of outputs`];
    const reason = `${code}: ${detail}`;
    if (draft.state.decision === 'commit') {
      draft.emit({ type: 'branch_parked', branch: number, op, attempt: 0, reason, expiresAt: 0 });
    } else {
      draft.emit({ type: 'branch_refused', branch: number, attempt: 0, reason, code });
    }
  }
  return draft.events.length > before;
}

/** A step's output by its id; undefined while it has none. */
export function outputOf(state: State, id: string) {
  const branch = state.branches.find((candidate) => candidate.id === id);
  return branch?.forward === 'done' ? (branch.output ?? null) : undefined;
}

function decideWhenTime(draft: Draft): void {
  if (draft.state.decision || draft.state.check) return;
  const due = draft.state.drivenBy === 'plan' ? dueOfPlan(draft.state) : dueOfInitiated(draft.state);
  if (due === 'commit') decideCommit(draft);
  else if (due) wantRollback(draft, due.rollback);
}

/** The decision that has come due, a rollback with its reason. */
type Due = 'commit' | { readonly rollback: string } | undefined;

function dueOfPlan(state: State): Due {
  if (state.branches.some((branch) => branch.pivot && branch.forward === 'done')) return 'commit';
  const failed = state.branches.find(({ stage }) => isFailed(stage.at));
  if (failed) return { rollback: whyFailed(failed) };
  if (state.rollbackOnly !== null) return { rollback: state.rollbackOnly };
  return state.branches.every(({ kind, forward }) => kind === 'message' || forward === 'done') ? 'commit' : undefined;
}

const isFailed = (at: Branch['stage']['at']): boolean => at === 'refused' || at === 'uncertain' || at === 'skipped';

function dueOfInitiated(state: State): Due {
  const uncertain = state.branches.find((branch) => branch.stage.at === 'uncertain');
  if (uncertain) return { rollback: whyFailed(uncertain) };
  if (!state.closing || state.branches.some((branch) => branch.stage.at === 'asked')) return undefined;
  if (state.rollbackOnly !== null) return { rollback: state.rollbackOnly };
  return allHaveOutcome(state) ? 'commit' : undefined;
}

/** Every forward op that was started has an outcome. */
export const allHaveOutcome = (state: State): boolean =>
  !state.branches.some(({ stage }) => stage.at === 'asked' || stage.at === 'uncertain' || stage.at === 'parked');

function whyFailed(branch: Branch): string {
  if (branch.stage.at === 'refused') return `'${branch.id}' was refused: ${branch.lastError}`;
  if (branch.stage.at === 'skipped') return `'${branch.id}' was skipped by hand`;
  return `'${branch.id}' ended without an outcome: ${branch.lastError}`;
}

/** The pivot may have taken effect: nothing decides rollback until its outcome is known. */
export const pivotInDoubt = (state: State): boolean =>
  state.branches.some((branch) => branch.pivot && (branch.stage.at === 'asked' || branch.stage.at === 'parked'));

/** Rollback, or in an `ask` transaction the question that comes before it. */
export function wantRollback(draft: Draft, reason: string): void {
  if (draft.state.onTimeout === 'ask' && !planted('decide-without-asking'))
    draft.emit({ type: 'rollback_wanted', reason });
  else draft.emit({ type: 'decided', decision: 'rollback', reason });
}

export function decideCommit(draft: Draft, reason: string | null = null): void {
  draft.emit({ type: 'decided', decision: 'commit', reason });
  if (draft.state.drivenBy === 'initiator') return;
  // In a plan every step belongs to what is committed: one that was refused needs a person.
  for (const { number, kind, stage, forwardAttempts: attempt, lastError, unansweredUntil } of draft.state.branches) {
    const op = opOf(kind, 'forward');
    if (stage.at !== 'refused' || !op) continue;
    const reason = `refused before the commit was decided: ${lastError}`;
    draft.emit({ type: 'branch_parked', branch: number, op, attempt, reason, expiresAt: unansweredUntil });
  }
}

function end(draft: Draft): void {
  const { state } = draft;
  if (state.ended) return;
  if (state.decision && allSettled(state)) {
    const plain = state.decision === 'commit' ? 'committed' : 'rolled_back';
    draft.emit({ type: 'ended', status: state.byHand && !planted('resolved-counts-as-plain') ? 'resolved' : plain });
    return;
  }
  // Until it closes its transaction, the initiator may still go on.
  if (state.parked || phaseOfState(state) === 'open') return;
  if (onlyParkedLeft(state)) draft.emit({ type: 'parked' });
}
