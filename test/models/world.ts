/** What there is at one moment around one transaction. */
import type { Input } from '../../coordinator/decide/inputs.js';
import type { State } from '../../coordinator/decide/state.js';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import type { ForwardFact } from '../../sdk/protocol/commands.js';
import { commandKey } from '../../sdk/protocol/commands.js';
import type { CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import type { Op } from '../../sdk/protocol/kinds.js';
import { keyOfState, older, olderState } from './ageing.js';
import { type Kept, keyOfKept, now } from './fenced.js';

export const xid = 'tx-1' as Xid;

/** Names a command. Branch 0 is the check of the initiator. */
export interface Named {
  readonly branch: number;
  readonly op: Op;
  readonly attempt: number;
}

/** A command that a coordinator has in hand: about to be sent, or sent and waited for. */
export interface InHand extends Named {
  readonly forward: ForwardFact | undefined;
  readonly isSent: boolean;
  readonly expiresAt: number;
}

/** A process, by the id of its lease. */
export interface Coordinator {
  readonly id: CoordinatorId;
  readonly hands: readonly InHand[];
}

/** A command on its way; it may have been given up on by who sent it. */
export interface Flight extends Named {
  readonly forward: ForwardFact | undefined;
  readonly by: CoordinatorId;
  readonly expiresAt: number;
}

/** An answer on its way back. */
export interface Answer extends Named {
  readonly reply: Reply;
  readonly to: CoordinatorId;
}

/** Where an initiator does its own work. */
export interface Desk {
  /** `working`: in its own transaction. `submitting`: that is committed, and nobody told yet. */
  readonly at: 'preparing' | 'working' | 'submitting' | 'over';
  readonly marker: 'commit' | 'rollback' | undefined;
  /** As it must be: the check writes the marker before it says "rolled back". */
  readonly closes: boolean;
}

/** How often each may still happen. */
export interface Budget {
  /** A handler or the connection to it breaks, or an undo is refused. */
  readonly failures: number;
  /** A coordinator dies; another process comes in its place. */
  readonly crashes: number;
  /** A coordinator is taken for dead and is not. */
  readonly pauses: number;
  /** A command or an answer comes once more, at any later time. */
  readonly copies: number;
  /** A coordinator does not learn that its append is in the log. */
  readonly lostAnswers: number;
  /** A person asks to try again, or decides parked branches by hand. */
  readonly people: number;
}

export interface World {
  readonly log: State | undefined;
  readonly coordinators: readonly Coordinator[];
  readonly flights: readonly Flight[];
  readonly answers: readonly Answer[];
  /** By the number of a branch, less one. */
  readonly kept: readonly Kept[];
  /** Where the initiator does its own work; only of a transaction that is asked about. */
  readonly desk: Desk | undefined;
  /** What clients have still to ask for; the first of each type comes before the others of it. */
  readonly requests: readonly Input[];
  readonly left: Budget;
  /** Branches that a person set to what the decision does not say. */
  readonly excused: readonly number[];
  /** Coordinators so far. */
  readonly born: number;
}

export const nameOf = ({ branch, op, attempt }: Named): string => commandKey(branch, op, attempt);

export const isSame = (one: Named, other: Named): boolean =>
  one.branch === other.branch && one.op === other.op && one.attempt === other.attempt;

export const spend = (left: Budget, what: keyof Budget): Budget => ({ ...left, [what]: left[what] - 1 });

export const without = <T>(list: readonly T[], gone: T): readonly T[] => list.filter((each) => each !== gone);

export const changeCoordinator = (world: World, id: CoordinatorId, hands: readonly InHand[]): World => ({
  ...world,
  coordinators: world.coordinators.map((each) => (each.id === id ? { id, hands } : each)),
});

/** One tick later. What was on its way for its whole time is dropped on arrival. */
export const tick = (world: World): World => ({
  ...world,
  log: world.log && olderState(world.log),
  flights: world.flights.map(aged).filter(({ expiresAt }) => expiresAt > now),
  coordinators: world.coordinators.map(({ id, hands }) => ({ id, hands: hands.map(aged) })),
});

const aged = <T extends { readonly expiresAt: number }>(one: T): T => ({ ...one, expiresAt: older(one.expiresAt) });

export function keyOfWorld(world: World): string {
  const { log, coordinators, flights, answers, kept, desk, requests, left, excused } = world;
  const hands = coordinators.map(
    ({ id, hands }) => `${id}:${keys(hands, (one) => `${one.forward}${one.isSent}${one.expiresAt}`)}`,
  );
  const flying = keys(flights, ({ forward, by, expiresAt }) => `${forward}${by}${expiresAt}`);
  const said = keys(answers, ({ reply, to }) => `${reply.kind}${reply.kind === 'checked' ? reply.answer : ''}${to}`);
  const rest = `${kept.map(keyOfKept)}#${requests.map(({ type }) => type)}#${Object.values(left)}#${excused}`;
  const own = desk ? `${desk.at}${desk.marker}` : '';
  return `${keyOfState(log)}#${own}#${hands}#${flying}#${said}#${rest}`;
}

const keys = <T extends Named>(list: readonly T[], more: (one: T) => string): string =>
  list
    .map((one) => `${nameOf(one)} ${more(one)}`)
    .sort()
    .join();
