import type { Heuristic } from '../../sdk/protocol/views.js';
import type { Branch, State } from '../decide/state.js';

/**
 * What really became of a transaction that people had a hand in, by the facts of its branches: the decision says what was
 * wanted. One branch that nobody knows about makes it `unknown`, whatever the others are.
 */
export function heuristicOf(state: State): Heuristic {
  const facts = new Set(state.branches.flatMap((branch) => factOf(state, branch) ?? []));
  if (facts.has('unknown')) return 'unknown';
  if (facts.size > 1) return 'mixed';
  return facts.has('effect') || (facts.size === 0 && state.decision === 'commit') ? 'committed' : 'rolled_back';
}

/** Whether a branch took effect in the end; undefined of one that does not count. */
function factOf({ decision }: State, { stage, forward }: Branch): 'effect' | 'none' | 'unknown' | undefined {
  switch (stage.at) {
    case 'committed':
    case 'done':
      return 'effect';
    case 'undone':
      return 'none';
    case 'refused':
      // An initiator that commits beside a refusal knows of it, and never counted on the branch.
      return decision === 'commit' ? undefined : 'none';
    case 'waiting':
      return decision === 'commit' ? undefined : 'none';
    case 'skipped':
      if (decision === 'commit') return 'none';
      // Its undo was skipped, so what its forward op did stands.
      return forward === 'done' ? 'effect' : forward === 'unknown' ? 'unknown' : 'none';
    default:
      return 'unknown';
  }
}
