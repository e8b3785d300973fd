/**
 * What an event leads to: the decision, the parking, the end. Called once after the facts of an input are emitted, so
 * that a fact and its consequence are one row.
 */
import { phaseOf } from '../../sdk/protocol/kinds.js';
import { fillIn } from '../../sdk/protocol/references.js';
import type { Draft } from './draft.js';
import { allSettled, onlyParkedLeft } from './order.js';
import { type Branch, type State } from './state.js';

export function conclude(draft: Draft): void {
  refuseMissing(draft);
  if (!draft.state.decision && !draft.state.check) decideWhenTime(draft);
  // A decision may have begun more work.
  refuseMissing(draft);
  end(draft);
}

/** A step whose reference has no value when it is due is refused by the coordinator: nothing was sent. */
function refuseMissing(draft: Draft): void {
  for (const { number } of draft.state.branches) {
    const branch = draft.state.branches[number - 1];
    if (!branch?.templated || branch.stage.at !== 'asked' || branch.stage.work.seq !== draft.seq) continue;
    const { op, attempt } = branch.stage.work;
    if (attempt !== 1 || phaseOf(branch.kind, op) === 'rollback') continue;
    const filled = fillIn(branch.input, (step) => outputOf(draft.state, step));
    if ('value' in filled) continue;
    const reason = `reference_missing: {"$from": "${filled.missing}"} has no value in the outputs so far`;
    if (draft.state.decision === 'commit') {
      draft.emit({ type: 'branch_parked', branch: number, op, attempt: 0, reason, expiresAt: 0 });
    } else {
      draft.emit({ type: 'branch_refused', branch: number, attempt: 0, reason, code: 'reference_missing' });
    }
  }
}

/** A step's output by its id; undefined while it has none. */
export function outputOf(state: State, id: string) {
  const branch = state.branches.find((candidate) => candidate.id === id);
  return branch?.forward === 'done' ? (branch.output ?? null) : undefined;
}

function decideWhenTime(draft: Draft): void {
  if (draft.state.drivenBy === 'plan') decidePlan(draft);
  else decideInitiated(draft);
}

function decidePlan(draft: Draft): void {
  const { state } = draft;
  const pivot = state.branches.find((branch) => branch.pivot);
  if (pivot?.forward === 'done') return decideCommit(draft);
  const failed = state.branches.find(({ stage }) => isFailed(stage.at));
  if (failed) return wantRollback(draft, whyFailed(failed));
  if (state.rollbackOnly !== null && !pivotInDoubt(state)) return wantRollback(draft, state.rollbackOnly);
  if (state.branches.every((branch) => branch.kind === 'message' || branch.forward === 'done')) decideCommit(draft);
}

const isFailed = (at: Branch['stage']['at']): boolean => at === 'refused' || at === 'uncertain' || at === 'skipped';

function decideInitiated(draft: Draft): void {
  const { state } = draft;
  const uncertain = state.branches.find((branch) => branch.stage.at === 'uncertain');
  if (uncertain) return wantRollback(draft, whyFailed(uncertain));
  if (!state.closing || state.branches.some((branch) => branch.stage.at === 'asked')) return;
  if (state.rollbackOnly !== null) return wantRollback(draft, state.rollbackOnly);
  decideCommit(draft);
}

function whyFailed(branch: Branch): string {
  const error = branch.lastError ?? 'no reason given';
  if (branch.stage.at === 'refused') return `'${branch.id}' was refused: ${error}`;
  if (branch.stage.at === 'skipped') return `'${branch.id}' was skipped by hand`;
  return `'${branch.id}' ended without an outcome: ${error}`;
}

/** The pivot may have taken effect: nothing decides rollback until its outcome is known. */
export const pivotInDoubt = (state: State): boolean =>
  state.branches.some((branch) => branch.pivot && (branch.stage.at === 'asked' || branch.stage.at === 'parked'));

/** Rollback, or in an `ask` transaction the question that comes before it. */
export function wantRollback(draft: Draft, reason: string): void {
  if (draft.state.onTimeout === 'ask') draft.emit({ type: 'rollback_wanted', reason });
  else draft.emit({ type: 'decided', decision: 'rollback', reason });
}

export function decideCommit(draft: Draft, reason: string | null = null): void {
  draft.emit({ type: 'decided', decision: 'commit', reason });
  if (draft.state.drivenBy === 'initiator') return;
  // In a plan every step belongs to what is committed: one that was refused needs a person.
  for (const branch of draft.state.branches) {
    if (branch.stage.at !== 'refused') continue;
    const why = `refused before the commit was decided: ${branch.lastError ?? 'no reason given'}`;
    draft.emit({
      type: 'branch_parked',
      branch: branch.number,
      op: forwardOp(branch),
      attempt: branch.forwardAttempts,
      reason: why,
      expiresAt: 0,
    });
  }
}

const forwardOp = (branch: Branch) => ops[branch.kind];
const ops = { saga: 'action', tcc: 'try', xa: 'prepare', at: 'execute', message: 'deliver' } as const;

function end(draft: Draft): void {
  const { state } = draft;
  if (state.ended) return;
  if (state.decision && allSettled(state)) {
    const plain = state.decision === 'commit' ? 'committed' : 'rolled_back';
    return draft.emit({ type: 'ended', status: state.byHand ? 'resolved' : plain });
  }
  if (state.parked) return;
  const nothingAsked = !state.branches.some((branch) => branch.stage.at === 'asked');
  if (state.check?.at === 'parked' ? nothingAsked : onlyParkedLeft(state)) draft.emit({ type: 'parked' });
}
