/** I9: money and stock add up, and nothing is ever negative. */

import { statusOf } from '../../coordinator/decide/state.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import type { Folded, History } from './history.js';

export interface Flaw {
  readonly xid: Xid | undefined;
  readonly what: string;
}

/** What a deposit would add: nobody's money yet. */
const isPending = (cell: string): boolean => cell.includes('/pending:');

export function wrongBooks(history: History, folded: ReadonlyMap<Xid, Folded>): readonly Flaw[] {
  const flaws: Flaw[] = [];
  const cells = new Map(history.before);
  for (const { xid, branch, op, deltas } of history.effects) {
    let sum = 0;
    for (const [cell, by] of deltas) {
      const left = (cells.get(cell) ?? 0) + by;
      cells.set(cell, left);
      if (left < 0) flaws.push({ xid, what: `${branch}.${op} leaves ${left} in ${cell}` });
      if (!isPending(cell)) sum += by;
    }
    const kind = folded.get(xid)?.state.branches[branch - 1]?.kind;
    // Before the commit is decided nothing leaves a participant, and an undo only puts back.
    if (sum !== 0 && kind && phaseOf(kind, op) !== 'commit')
      flaws.push({ xid, what: `${branch}.${op} makes ${sum} out of nothing` });
  }
  for (const [cell, left] of history.after) {
    if ((cells.get(cell) ?? 0) !== left)
      flaws.push({ xid: undefined, what: `${cell} holds ${left}, by the ledger ${cells.get(cell) ?? 0}` });
  }
  for (const [xid, one] of folded) flaws.push(...wrongSum(xid, one));
  return flaws;
}

/** A transaction that is over has moved as much away as to, and holds nothing back. */
function wrongSum(xid: Xid, { state, effects }: Folded): readonly Flaw[] {
  const status = statusOf(state);
  if (status !== 'committed' && status !== 'rolled_back') return [];
  const flaws: Flaw[] = [];
  const held = new Map<string, number>();
  let sum = 0;
  for (const { deltas } of effects) {
    for (const [cell, by] of deltas) {
      sum += by;
      if (cell.includes('/held:') || isPending(cell)) held.set(cell, (held.get(cell) ?? 0) + by);
    }
  }
  const isTransfer = state.branches.some(({ kind }) => kind === 'tcc');
  const isWhole = state.branches.filter(({ kind, stage }) => kind === 'tcc' && stage.at !== 'refused').length !== 1;
  if (sum !== 0 && (status === 'rolled_back' || !isTransfer || isWhole))
    flaws.push({ xid, what: `${status}, and ${sum} too much` });
  for (const [cell, by] of held) if (by !== 0) flaws.push({ xid, what: `${status}, and ${by} left in ${cell}` });
  return flaws;
}
