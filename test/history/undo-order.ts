/** I8: a branch is undone only after all that came after it. */
import type { Branch, State } from '../../coordinator/decide/state.js';
import type { Phase } from '../../sdk/protocol/kinds.js';

/** Where in its ledger each phase of a branch took effect, from 1; 0: it did not. */
export type Places = Readonly<Record<Phase, number>>;

/** When a branch was undone at the latest that came after another: the place in the ledger, and whose it is. */
interface Latest {
  readonly place: number;
  readonly branch: number;
}

const nobody: Latest = Object.freeze({ place: 0, branch: 0 });

export function wrongOrder(
  state: State,
  places: readonly Places[],
  parked: ReadonlySet<number> | undefined,
): readonly string[] {
  const undone = state.branches.map((branch, index) => undoneAt(branch, places[index], parked));
  const latest = state.drivenBy === 'plan' ? latestInPlan(state.branches, undone) : latestAdded(state.branches, undone);
  return state.branches.flatMap(({ number }, index) => {
    const at = places[index]?.rollback ?? 0;
    const after = latest[index] ?? nobody;
    return at > 0 && after.place > at ? [`branch ${number} is undone before ${after.branch}`] : [];
  });
}

/** 0: it holds back nobody. */
function undoneAt({ number, stage }: Branch, has: Places | undefined, parked: ReadonlySet<number> | undefined): number {
  if (!has || has.forward === 0 || stage.at === 'parked' || parked?.has(number)) return 0;
  return has.rollback === 0 ? Number.POSITIVE_INFINITY : has.rollback;
}

/** By `after`, through all that follows. */
function latestInPlan(branches: readonly Branch[], undone: readonly number[]): readonly Latest[] {
  const followers: number[][] = branches.map(() => []);
  for (const { number, after } of branches) for (const before of after) followers[before - 1]?.push(number);
  const known: (Latest | undefined)[] = branches.map(() => undefined);
  for (const { number } of branches) settle(number, followers, undone, known);
  return known.map((latest) => latest ?? nobody);
}

/** Depth first with a stack of its own: a plan may be a thousand steps long. */
function settle(
  root: number,
  followers: readonly number[][],
  undone: readonly number[],
  known: (Latest | undefined)[],
) {
  const stack = [root];
  while (stack.length > 0) {
    const number = stack.at(-1) ?? 0;
    const next = followers[number - 1] ?? [];
    const open = known[number - 1] ? [] : next.filter((each) => !known[each - 1]);
    if (open.length > 0) {
      stack.push(...open);
      continue;
    }
    stack.pop();
    let latest = nobody;
    for (const each of next) {
      latest = later(latest, { place: undone[each - 1] ?? 0, branch: each });
      latest = later(latest, known[each - 1] ?? nobody);
    }
    known[number - 1] = latest;
  }
}

/** Where the initiator drives: b came after a if a's outcome precedes b's registration in the log. */
function latestAdded(branches: readonly Branch[], undone: readonly number[]): readonly Latest[] {
  const fromHere: Latest[] = [];
  let latest = nobody;
  for (let index = branches.length - 1; index >= 0; index--) {
    latest = later(latest, { place: undone[index] ?? 0, branch: index + 1 });
    fromHere[index] = latest;
  }
  return branches.map(({ outcomePosition }) => {
    if (outcomePosition === null) return nobody;
    const first = firstAddedAfter(branches, outcomePosition);
    return fromHere[first] ?? nobody;
  });
}

/** Branches are numbered as they are added. */
function firstAddedAfter(branches: readonly Branch[], position: number): number {
  let low = 0;
  let high = branches.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((branches[middle]?.addedPosition ?? 0) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

const later = (one: Latest, other: Latest): Latest => (other.place > one.place ? other : one);
