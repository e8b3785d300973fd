/** Which branch comes before which: when its turn has come to be done, and when to be undone. */
import { planted } from '#faults';
import { type Branch, branchOf, isSettled, type State } from './state.js';

/**
 * Whether all that a branch comes after has passed. A message holds nobody back by itself, only what it comes after
 * does; each is looked at once, however many come after it.
 */
export function doOrder(state: State): (branch: Branch) => boolean {
  if (planted('do-in-any-order')) return () => true;
  let messages: Map<number, boolean> | undefined;
  const comesNext = (branch: Branch): boolean => branch.after.every(hasPassed);
  const hasPassed = (number: number): boolean => {
    const branch = branchOf(state, number);
    if (!branch) return false;
    if (branch.kind !== 'message') return isPassed(state, branch);
    messages ??= new Map();
    const passed = messages.get(number) ?? comesNext(branch);
    messages.set(number, passed);
    return passed;
  };
  return comesNext;
}

/** Done, or skipped by a person while the decision stands to commit: the rest goes on without it. */
const isPassed = (state: State, { forward, stage }: Branch): boolean =>
  forward === 'done' || (state.decision === 'commit' && stage.at === 'skipped');

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
  return (branch) => blocked[branch.number] !== true;
}

/** Marks by its number every branch that comes before any of these. Looks at each link twice at most. */
function earlierThan(state: State, branches: readonly Branch[]): readonly boolean[] {
  const earlier: boolean[] = new Array(state.branches.length + 1).fill(false);
  const rest = [...branches];
  for (let branch = rest.pop(); branch; branch = rest.pop()) {
    for (const number of branch.after) {
      const before = earlier[number] ? undefined : branchOf(state, number);
      if (!before) continue;
      earlier[number] = true;
      rest.push(before);
    }
  }
  return earlier;
}

/** Messages go after the others: when nothing else is being asked. */
export const messagesMayGo = (state: State): boolean =>
  !state.branches.some((branch) => branch.kind !== 'message' && branch.stage.at === 'asked');

export const isAsked = (state: State): boolean =>
  state.check?.at === 'asked' || state.branches.some((branch) => branch.stage.at === 'asked');

/** What is left can only be moved by a person: something is parked and nothing is asked. */
export const onlyParkedLeft = (state: State): boolean =>
  (state.check?.at === 'parked' || state.branches.some((branch) => branch.stage.at === 'parked')) && !isAsked(state);

export const allSettled = (state: State): boolean => state.branches.every(isSettled);
