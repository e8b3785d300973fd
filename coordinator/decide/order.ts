/** Which branch comes before which: when its turn has come to be done, and when to be undone. */
import { planted } from '#faults';
import { type Branch, branchOf, isSettled, type State } from './state.js';

/** Its forward part is over as far as those after it care. */
function hasPassed(state: State, branch: Branch): boolean {
  if (branch.forward === 'done') return true;
  if (branch.kind === 'message') return comesNext(state, branch);
  // Skipped by a person while the decision stands to commit: the rest goes on without it.
  return state.decision === 'commit' && branch.stage.at === 'skipped';
}

/** All that it comes after has passed. */
export function comesNext(state: State, branch: Branch): boolean {
  return branch.after.every((number) => {
    const earlier = branchOf(state, number);
    return earlier !== undefined && hasPassed(state, earlier);
  });
}

/**
 * Whether nothing holds back the undo of a branch: one is undone after all that came after it, by `after` in a plan,
 * else by the log. One that parked no longer holds back the others.
 */
export function undoOrder(state: State): (branch: Branch) => boolean {
  if (planted('undo-in-any-order')) return () => true;
  const unfinished = state.branches.filter(({ stage }) => stage.at === 'asked' || stage.at === 'to_undo');
  if (state.drivenBy === 'initiator') {
    const lastAdded = Math.max(-1, ...unfinished.map((branch) => branch.addedPosition));
    return (branch) => branch.outcomePosition === null || branch.outcomePosition > lastAdded;
  }
  const blocked = earlierThan(state, unfinished);
  return (branch) => !blocked.has(branch.number);
}

/** Numbers of all branches that come before any of these. */
function earlierThan(state: State, branches: readonly Branch[]): ReadonlySet<number> {
  const earlier = new Set<number>();
  const rest = branches.flatMap((branch) => branch.after);
  for (let number = rest.pop(); number !== undefined; number = rest.pop()) {
    if (earlier.has(number)) continue;
    earlier.add(number);
    rest.push(...(branchOf(state, number)?.after ?? []));
  }
  return earlier;
}

/** Messages go after the others: when nothing else is being asked. */
export const messagesMayGo = (state: State): boolean =>
  !state.branches.some((branch) => branch.kind !== 'message' && branch.stage.at === 'asked');

/** What is left can only be moved by a person: some branch is parked and nothing is asked. */
export const onlyParkedLeft = (state: State): boolean =>
  state.branches.some((branch) => branch.stage.at === 'parked') &&
  !state.branches.some((branch) => branch.stage.at === 'asked' || branch.stage.at === 'to_undo');

export const allSettled = (state: State): boolean => state.branches.every(isSettled);
