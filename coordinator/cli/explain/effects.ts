import type { BranchView, TransactionView } from '../../../sdk/protocol/views.js';
import { isFinal } from '../../../sdk/protocol/views.js';
import type { Effects, Known } from './explanation.js';

type Effect = 'in effect' | 'without' | 'unknown';

/** Who has an effect that stays, who has none, and of whom nobody knows. */
export function effectsOf(known: Pick<Known, 'view' | 'events'>): Effects {
  const { view } = known;
  const told = view.branches.map((branch) => ({ id: branch.id, effect: effectOf(known, branch) }));
  const those = (wanted: Effect): readonly string[] =>
    told.filter(({ effect }) => effect === wanted).map(({ id }) => id);
  const [inEffect, without, unknown] = [those('in effect'), those('without'), those('unknown')];
  return { kind: kindOf(view), inEffect, without, unknown };
}

const kindOfHeuristic = { committed: 'all', rolled_back: 'none', mixed: 'mixed', unknown: 'unknown' } as const;

function kindOf({ status, heuristic }: TransactionView): Effects['kind'] {
  if (!isFinal(status)) return 'open';
  if (heuristic) return kindOfHeuristic[heuristic];
  return status === 'rolled_back' ? 'none' : 'all';
}

function effectOf({ view, events }: Pick<Known, 'view' | 'events'>, { branch, status, kind }: BranchView): Effect {
  const happened = (type: string): boolean => events.some((event) => event.type === type && event.branch === branch);
  switch (status) {
    case 'committed':
      return 'in effect';
    case 'done':
      // What TCC and XA did is held back until it is confirmed.
      return !isHeldBack(kind) || view.status === 'resolved' ? 'in effect' : 'without';
    case 'undone':
    case 'refused':
    case 'waiting':
      return 'without';
    case 'skipped':
      // Skipped in a rollback: what it had done was not undone.
      if (view.decision === 'commit') return 'without';
      return happened('branch_done') ? 'in effect' : happened('branch_uncertain') ? 'unknown' : 'without';
    default:
      // Its undo is under way or stopped: what it did is there until that is told as done.
      return !isHeldBack(kind) && happened('branch_done') ? 'in effect' : 'unknown';
  }
}

/** Its effect is there for everybody to see only after the commit. */
export const isHeldBack = (kind: BranchView['kind']): boolean => kind !== 'saga' && kind !== 'at';

/** What is wrong where it is mixed, in words. */
export const mixedText = ({ inEffect, without }: Pick<Effects, 'inEffect' | 'without'>): string =>
  `It is MIXED: ${list(inEffect)} took effect, ${list(without)} did not. Somebody has to set that right outside of Concordat.`;

export const list = (ids: readonly string[]): string =>
  ids.length === 0 ? 'nothing' : ids.map((id) => `'${id}'`).join(', ');
