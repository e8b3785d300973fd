import { planted } from '#faults';
import { allHaveOutcome, conclude, decideCommit, pivotInDoubt, wantRollback } from '../conclude.js';
import type { Draft } from '../draft.js';
import type { InputOf, Verdict } from '../inputs.js';
import { refuse, same, stale } from './verdicts.js';

export function commit(draft: Draft): undefined {
  draft.emit({ type: 'closed' });
  conclude(draft);
}

export function commitAgain(draft: Draft): Verdict {
  const { state } = draft;
  if (state.drivenBy === 'plan')
    return refuse('driven_by_plan', `the coordinator drives plan ${state.xid} to its end by itself`);
  // Asked to commit before: a repeat is told how that ended.
  if (state.decision === 'rollback' && !state.closing)
    return refuse('already_decided', `rollback of ${state.xid} is decided`);
  return same;
}

/** The initiator says that its own work is committed: what the check would have told. */
export function commitWhileAsking(draft: Draft): Verdict | undefined {
  const { state } = draft;
  const open = state.check !== null && state.rollbackOnly === null && allHaveOutcome(state);
  if (state.drivenBy === 'plan' || !open) return commitAgain(draft);
  decideCommit(draft);
  conclude(draft);
  return undefined;
}

export function rollback(draft: Draft, { reason }: InputOf<'rollback'>): Verdict | undefined {
  if (pivotInDoubt(draft.state)) return inDoubt(draft);
  // The check is asked already, or waits for a person.
  if (draft.state.check) return same;
  wantRollback(draft, reason);
  conclude(draft);
  return undefined;
}

export function rollbackAgain(draft: Draft, { reason }: InputOf<'rollback' | 'rollback_only'>): Verdict | undefined {
  const { state } = draft;
  if (state.decision === 'rollback') return same;
  if (!planted('reverse-a-decision')) return refuse('already_decided', `commit of ${state.xid} is decided`);
  draft.emit({ type: 'decided', decision: 'rollback', reason });
  return undefined;
}

export function markRollbackOnly(draft: Draft, { reason }: InputOf<'rollback_only'>): Verdict | undefined {
  if (pivotInDoubt(draft.state)) return inDoubt(draft);
  if (draft.state.rollbackOnly !== null) return same;
  draft.emit({ type: 'rollback_only', reason });
  conclude(draft);
  return undefined;
}

const inDoubt = ({ state }: Draft): Verdict =>
  refuse('outcome_unknown', `the pivot of ${state.xid} may have taken effect; ask again when its outcome is known`);

export function deadline(draft: Draft): Verdict | undefined {
  const { state, moment } = draft;
  if (state.deadlineAt === null || moment.now < state.deadlineAt) return stale('the deadline has not come');
  if (pivotInDoubt(state)) return stale('the pivot may have taken effect');
  wantRollback(draft, 'the deadline passed');
  conclude(draft);
  return undefined;
}
