/**
 * Time without end in states of which there are finitely many: the clock stands, and what is kept becomes older with each
 * tick, until it is so old that it makes no difference. Sound as the mind only ever looks at how far apart two times are.
 */
import type { Policy } from '../../coordinator/decide/events.js';
import { type Branch, type Check, copyOf, type Stage, type State, type Work } from '../../coordinator/decide/state.js';
import { now } from './fenced.js';

/** A call is over one tick after it was due; and an op parks one tick after it was first asked. Delays are as `draw` and `spread` say: none for the first branch, a tick for the second. */
export const policy: Policy = Object.freeze({
  retry: { attemptsMax: 2, initialMs: 1, maxMs: 1, factor: 1 },
  callMs: 1,
  backoff: { initialMs: 1, maxMs: 1, factor: 1 },
  parkAfterMs: 1,
  pendingForMs: 1,
  crashesMax: 2,
});

export const draw = 0.5;

/** As long ago as matters: no period of the policy is longer. */
const longAgo = now - 1;

/** 0 stands for never. */
export const older = (time: number): number => (time === 0 ? 0 : Math.max(longAgo, time - 1));

const olderWork = (work: Work): Work => ({
  ...work,
  dueAt: older(work.dueAt),
  since: older(work.since),
  pendingSince: work.pendingSince && older(work.pendingSince),
});

function olderStage(stage: Stage): Stage {
  if (stage.at === 'asked') return { at: 'asked', work: olderWork(stage.work) };
  return stage.at === 'parked' ? { ...stage, expiresAt: older(stage.expiresAt) } : stage;
}

const olderBranch = (branch: Branch): Branch => ({
  ...branch,
  stage: olderStage(branch.stage),
  forwardExpiresAt: older(branch.forwardExpiresAt),
  unansweredUntil: older(branch.unansweredUntil),
});

const olderCheck = (check: Check): Check => (check.at === 'asked' ? { ...check, work: olderWork(check.work) } : check);

/** A state as it looks one tick later. */
export function olderState(state: State): State {
  const next = copyOf(state);
  next.deadlineAt = state.deadlineAt && older(state.deadlineAt);
  next.branches = state.branches.map(olderBranch);
  next.check = state.check && olderCheck(state.check);
  return next;
}

/** All of a state that anything to come depends on. */
export function keyOfState(state: State | undefined): string {
  if (!state) return '-';
  const { owner, closing, rollbackOnly, check, decision, parked, ended, byHand, deadlineAt, branches } = state;
  const flags = [closing, rollbackOnly !== null, parked, byHand].map(Number).join('');
  const deadline = deadlineAt === null || decision ? '' : Math.max(now, deadlineAt);
  const places = placesOf(state);
  const rest = branches.map((branch) => keyOfBranch(branch, places)).join(';');
  return `${owner}${flags}${decision?.[0]}${ended}${deadline}${check && keyOfCheck(check)}|${rest}`;
}

const keyOfCheck = (check: Check): string => (check.at === 'asked' ? keyOfWork(check.work) : `parked${check.attempt}`);

function keyOfBranch(branch: Branch, places: ReadonlyMap<number, number>): string {
  const { forward, forwardAttempts, forwardExpiresAt, unansweredUntil, addedPosition, outcomePosition } = branch;
  const order = `${places.get(addedPosition)}<${places.get(outcomePosition ?? -1)}`;
  return `${keyOfStage(branch.stage)},${forward},${forwardAttempts},${ahead(forwardExpiresAt)},${ahead(unansweredUntil)},${order}`;
}

function keyOfStage(stage: Stage): string {
  switch (stage.at) {
    case 'asked':
      return keyOfWork(stage.work);
    case 'parked':
      return `parked ${stage.op}${stage.attempt},${ahead(stage.expiresAt)}`;
    case 'to_undo':
    case 'committed':
    case 'undone':
      return `${stage.at}${stage.attempt}`;
    default:
      return stage.at;
  }
}

const keyOfWork = ({ op, attempt, failures, crashes, dueAt, since, pendingSince, by }: Work): string =>
  `${op}${attempt},${failures},${crashes},${dueAt},${since},${pendingSince},${by}`;

/** What is past is past. */
const ahead = (time: number): number => (time > now ? time : 0);

/** Of places in the log only the order matters. */
function placesOf({ branches }: State): ReadonlyMap<number, number> {
  const all = branches.flatMap(({ addedPosition, outcomePosition }) => [addedPosition, outcomePosition ?? -1]);
  return new Map([...new Set(all)].sort((a, b) => a - b).map((place, rank) => [place, rank]));
}
