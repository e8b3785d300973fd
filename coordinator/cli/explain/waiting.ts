import { kinds } from '../../../sdk/protocol/kinds.js';
import { isFinal, type WaitingOn } from '../../../sdk/protocol/views.js';
import { counted, span } from '../times.js';
import { branchAt, type Known, nameOf, openedOf, specOf, type Told } from './explanation.js';

/** What it waits for, one line each. */
export function whatItWaitsFor(known: Known): readonly Told[] {
  const { view } = known;
  if (isFinal(view.status)) return [];
  const told = view.waitingOn.map((one) => ({
    branch: one.branch === 0 ? null : one.branch,
    text: textOf(known, one),
    at: one.dueAt,
  }));
  if (told.length > 0) return told;
  if (view.status !== 'active') return [{ branch: null, text: 'the coordinator, which is about to go on', at: null }];
  const who =
    openedOf(known).drivenBy === 'plan'
      ? 'the coordinator, which is about to go on'
      : 'its initiator, which has to add a branch, commit or roll back';
  return [{ branch: null, text: who, at: null }];
}

function textOf(known: Known, one: WaitingOn): string {
  const what = one.op === 'check' ? "the initiator's check" : `'${one.op}' of ${subjectOf(known, one)}`;
  const doubt = isPivotInDoubt(known, one)
    ? ' It is the pivot: until its outcome is known nothing may be decided.'
    : '';
  const last = one.lastError === null ? '' : `; the last error was: ${one.lastError}`;
  if (one.dueAt === null) {
    const reason = one.lastError === null ? '' : `: ${one.lastError}`;
    return `a person: ${what} is parked after ${counted(one.attempt, 'attempt')}${reason}.${doubt}`;
  }
  return `${what}: ${stateOf(known, one)}${last}.${doubt}`;
}

const subjectOf = ({ view }: Known, { branch: number }: WaitingOn): string => {
  const branch = branchAt(view, number);
  return branch ? nameOf(branch) : String(number);
};

/** In flight, held back, or waiting for its time. */
function stateOf(known: Known, one: WaitingOn): string {
  const dueInMs = Date.parse(one.dueAt ?? '') - known.now;
  if (dueInMs > 0) return `attempt ${one.attempt} comes next`;
  const held = heldBy(known, one);
  if (held) return held;
  const name = targetOf(known, one);
  const { health } = known.participants.find((each) => each.name === name) ?? {};
  if (health && health.held > 0)
    return `attempt ${one.attempt} is on its way or waits for room: of the commands for '${name}' ${health.inFlight} are on their way and ${health.held} wait`;
  return `attempt ${one.attempt} is on its way, and its answer is awaited`;
}

/** Why its command is not sent though it is due; undefined where it is. */
export function heldBy({ view, participants, now }: Known, one: WaitingOn): string | undefined {
  const name = targetOf({ view }, one);
  const known = participants.find((each) => each.name === name);
  if (!known)
    return one.participant === null ? undefined : `it is held back, as no instance of '${name}' is registered`;
  if (known.paused) return `it is held back, as '${name}' is paused by an operator`;
  if (known.health.breaker === 'open') return `it is held back, as calls to '${name}' fail: ${known.health.lastError}`;
  if (one.participant === null || known.instances.some(({ alive }) => alive)) return undefined;
  const last = Math.max(...known.instances.map(({ expiresAt }) => Date.parse(expiresAt)));
  const ago = Number.isFinite(last) && last <= now ? `; the last one went ${span(now - last)} ago` : '';
  return `it is held back, as no instance of '${name}' is alive${ago}`;
}

/** Whose limits, pause and breaker its command is under: a participant, or the origin of a URL. */
export function targetOf({ view }: Pick<Known, 'view'>, { branch, participant }: WaitingOn): string {
  const url = branchAt(view, branch)?.url;
  return participant ?? (url !== undefined && URL.canParse(url) ? new URL(url).origin : 'its participant');
}

/** The pivot was asked and nobody knows what came of it. */
export function isPivotInDoubt(known: Known, { branch: number, op }: Pick<WaitingOn, 'branch' | 'op'>): boolean {
  const branch = branchAt(known.view, number);
  if (!branch || known.view.decision !== null) return false;
  return specOf(known, branch).pivot === true && kinds[branch.kind].forward === op;
}
