/**
 * One transaction, two coordinators, its participants and the network between them.
 *
 * Real: what decides and folds, the agenda of an engine, the commands, the fence. Of the model: which step comes next, and how
 * often something goes wrong. The log is one state, as of two appends upon one row the second loses; that is a model of its
 * own.
 */
import type { Input, InputOf } from '../../coordinator/decide/inputs.js';
import { stillToSend } from '../../coordinator/engine/agenda.js';
import { inputOf, noOutcome } from '../../coordinator/engine/replies.js';
import type { Command } from '../../sdk/protocol/commands.js';
import type { CoordinatorId } from '../../sdk/protocol/ids.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import { checkArrivals, deskSteps, wrongAtDesk } from './desk.js';
import type { Model, Step } from './explore.js';
import { carryOut, now, type Will } from './fenced.js';
import { peopleSteps } from './people.js';
import { agendaFor, attend, put, putUnheard } from './putting.js';
import { wrongInWorld } from './rules.js';
import {
  type Answer,
  type Budget,
  type Coordinator,
  changeCoordinator,
  type Desk,
  type Flight,
  type InHand,
  isSame,
  keyOfWorld,
  nameOf,
  spend,
  tick,
  type World,
  without,
} from './world.js';

export interface Scope {
  readonly name: string;
  readonly open: InputOf<'open'>;
  /** What clients ask for, once each and at any time; of one type in this order. */
  readonly requests?: readonly Input[];
  readonly desk?: Desk;
  readonly budget?: Partial<Budget>;
}

const nothingGoesWrong: Budget = { failures: 0, crashes: 0, pauses: 0, copies: 0, lostAnswers: 0, people: 0 };

export const transactionModel = ({ name, open, requests = [], desk, budget }: Scope): Model<World> => ({
  name,
  initial: {
    log: undefined,
    coordinators: ['a', 'b'].map((id) => ({ id: id as CoordinatorId, hands: [] })),
    flights: [],
    answers: [],
    kept: [],
    desk,
    requests: [open, ...requests],
    left: { ...nothingGoesWrong, ...budget },
    excused: [],
    born: 2,
  },
  next: stepsFrom,
  keyOf: keyOfWorld,
  wrongIn: (world) => wrongInWorld(world) ?? wrongAtDesk(world),
  isFinal: ({ log }) => log !== undefined && (log.ended !== null || log.parked),
  mustEnd: true,
});

type Steps = readonly Step<World>[];

function stepsFrom(world: World): Steps {
  return [
    ...requestSteps(world),
    ...world.coordinators.flatMap((coordinator) => coordinatorSteps(world, coordinator)),
    ...world.flights.flatMap((flight) => (flight.branch === 0 ? checkArrivals : arrivals)(world, flight)),
    ...world.answers.flatMap((answer) => hearings(world, answer)),
    ...deskSteps(world),
    ...peopleSteps(world),
    { label: 'time passes', take: () => tick(world) },
  ];
}

/** A client asks either coordinator. It is opened with the first, which one being all the same then. */
function requestSteps(world: World): Steps {
  const { requests, log } = world;
  const able = log ? requests : requests.slice(0, 1);
  const first = able.filter((input) => able.find(({ type }) => type === input.type) === input);
  return first.flatMap((input) =>
    world.coordinators.slice(0, log ? 2 : 1).flatMap(({ id }) => {
      const label = `a client asks ${id} to ${input.type}`;
      const asked = { ...world, requests: without(requests, input) };
      return [
        { label, take: () => put(asked, id, [input]) },
        ...unheard(world, (left) => ({ label, take: () => putUnheard({ ...world, left }, id, [input]) })),
      ];
    }),
  );
}

const unheard = ({ left }: World, step: (left: Budget) => Step<World>): Steps => {
  if (left.lostAnswers === 0) return [];
  const { label, take } = step(spend(left, 'lostAnswers'));
  return [{ label: `${label}; the answer of the store is lost`, isFault: true, take }];
};

function coordinatorSteps(world: World, me: Coordinator): Steps {
  const { log } = world;
  if (!log || log.ended) return [];
  const { id, hands } = me;
  const { gone, deadlineCame } = agendaFor(log, me);
  const giveUps = gone.map(({ one, error }) => {
    const { attempt, op } = one.work;
    const named = { branch: one.branch, op, attempt };
    return {
      label: `${id} gives up ${nameOf(named)}: ${error}`,
      take: () => put(world, id, [noOutcome(named, error)]),
    };
  });
  return [
    { label: `${id} looks after it`, take: () => attend(world, id) },
    ...giveUps,
    ...(deadlineCame ? [{ label: `${id}: the deadline`, take: () => put(world, id, [{ type: 'deadline' }]) }] : []),
    ...hands.flatMap((inHand) => (inHand.isSent ? waitSteps(world, me, inHand) : sendSteps(world, me, inHand))),
    ...adoptions(world, me),
    ...crashes(world, me),
  ];
}

/** A command is sent. One that waited is looked up once more before. */
function sendSteps(world: World, { id, hands }: Coordinator, inHand: InHand): Steps {
  const { branch, op, attempt, forward } = inHand;
  const take = (): World => {
    const isFresh = inHand.expiresAt > now;
    const command = { body: { branch, op }, attempt } as Command;
    if (!isFresh && !stillToSend(world.log!, command, id)) return changeCoordinator(world, id, without(hands, inHand));
    const expiresAt = now + 1;
    assertNoForwardUnderWay(world, { id, hands }, inHand);
    const sent = hands.map((one) => (one === inHand ? { ...one, isSent: true, expiresAt } : one));
    const flight: Flight = { branch, op, attempt, forward, by: id, expiresAt };
    return { ...changeCoordinator(world, id, sent), flights: [...world.flights, flight] };
  };
  return [{ label: `${id} sends ${nameOf(inHand)}`, take }];
}

/**
 * I7: no rollback op goes out while a forward command of its branch is on its way from this process and waited for. Of what
 * another process sent only the log is known; there the fence keeps the order.
 */
function assertNoForwardUnderWay({ log, flights }: World, { id, hands }: Coordinator, { branch, op }: InHand): void {
  const kind = log!.branches[branch - 1]?.kind;
  if (!kind || phaseOf(kind, op) !== 'rollback') return;
  const under = flights.find(
    (one) =>
      one.branch === branch &&
      one.by === id &&
      phaseOf(kind, one.op) === 'forward' &&
      hands.some((held) => isSame(held, one)),
  );
  if (under) throw new Error(`I7 ${branch}.${op} is sent while ${nameOf(under)} is on its way`);
}

/** A command without an answer: its time is over, or its connection breaks while it may still arrive. */
function waitSteps(world: World, { id }: Coordinator, inHand: InHand): Steps {
  const { answers, left } = world;
  const isOver = inHand.expiresAt <= now;
  if (!isOver && left.failures === 0) return [];
  const given = noOutcome(inHand, isOver ? 'timeout' : 'connection lost');
  const rest = answers.filter((answer) => answer.to !== id || !isSame(answer, inHand));
  const label = isOver
    ? `${id} waits no longer for ${nameOf(inHand)}`
    : `${id} loses the connection of ${nameOf(inHand)}`;
  const next = { ...world, answers: rest, left: isOver ? left : spend(left, 'failures') };
  return [{ label, isFault: !isOver, take: () => put(next, id, [given], inHand) }];
}

function adoptions(world: World, { id }: Coordinator): Steps {
  const { coordinators, left } = world;
  const { owner, parked } = world.log!;
  if (owner === id || parked) return [];
  const alive = coordinators.find((one) => one.id === owner);
  if (alive && left.pauses === 0) return [];
  const label = `${id} adopts it from ${owner}${alive ? ', which is alive' : ''}`;
  // Under a lease that has lapsed nothing is sent any more.
  const lapsed = alive
    ? changeCoordinator(
        world,
        owner,
        alive.hands.filter(({ isSent }) => isSent),
      )
    : world;
  const next = alive ? { ...lapsed, left: spend(left, 'pauses') } : world;
  return [{ label, isFault: alive !== undefined, take: () => put(next, id, [{ type: 'adopt', from: owner }]) }];
}

function crashes(world: World, { id }: Coordinator): Steps {
  const { coordinators, answers, left, born } = world;
  if (left.crashes === 0) return [];
  const next = 'abcdefgh'[born] as CoordinatorId;
  const take = (): World => ({
    ...world,
    coordinators: coordinators.map((one) => (one.id === id ? { id: next, hands: [] } : one)),
    answers: answers.filter(({ to }) => to !== id),
    left: spend(left, 'crashes'),
    born: born + 1,
  });
  return [{ label: `${id} dies, and ${next} is started`, isFault: true, take }];
}

/** A command reaches its participant; a copy of it may come later. */
function arrivals(world: World, flight: Flight): Steps {
  const { kind } = world.log!.branches[flight.branch - 1]!;
  const { left } = world;
  const isForward = phaseOf(kind, flight.op) === 'forward';
  const once = (will: Will, isFault: boolean, isCopied: boolean): Step<World> => ({
    label: `${nameOf(flight)} arrives${isCopied ? ', not for the last time' : ''}: ${will}`,
    isFault: isFault || isCopied,
    take: () => arrive(world, flight, will, isFault, isCopied),
  });
  const wills: Steps = [once('done', false, false), ...(isForward ? [once('refused', false, false)] : [])];
  const failures =
    left.failures > 0 ? [once('fails', true, false), ...(isForward ? [] : [once('refused', true, false)])] : [];
  return [...wills, ...failures, ...(left.copies > 0 ? [once('done', false, true)] : [])];
}

async function arrive(world: World, flight: Flight, will: Will, isFault: boolean, isCopied: boolean): Promise<World> {
  const { branch, op, attempt, forward, by } = flight;
  const { kind } = world.log!.branches[branch - 1]!;
  const { kept, outcome } = await carryOut(world.kept[branch - 1]!, { kind, op, forward }, will);
  const isWaitedFor = world.coordinators.some(({ id, hands }) => id === by && hands.some((one) => isSame(one, flight)));
  const answer: Answer = { branch, op, attempt, reply: outcome, to: by };
  const spent = isFault ? spend(world.left, 'failures') : world.left;
  return {
    ...world,
    kept: world.kept.with(branch - 1, kept),
    flights: isCopied ? world.flights : without(world.flights, flight),
    answers: isWaitedFor ? [...world.answers, answer] : world.answers,
    left: isCopied ? spend(spent, 'copies') : spent,
  };
}

/** An answer comes back: alone, once more later, together with what a client asks, or into a row that nobody hears of. */
function hearings(world: World, answer: Answer): Steps {
  const { branch, op, attempt, reply, to } = answer;
  const { left, answers, requests } = world;
  const input = inputOf({ body: { branch, op }, attempt } as Command, reply);
  const heard = { ...world, answers: without(answers, answer) };
  const label = `${to} hears that ${nameOf(answer)} is ${reply.kind === 'checked' ? reply.answer : reply.kind}`;
  const copied = (): World => put({ ...world, left: spend(left, 'copies') }, to, [input], answer);
  const together = requests.map((request) => ({
    label: `${label}, and at once that a client asks to ${request.type}`,
    take: () => put({ ...heard, requests: without(requests, request) }, to, [input, request], answer),
  }));
  return [
    { label, take: () => put(heard, to, [input], answer) },
    ...(left.copies > 0 ? [{ label: `${label}, not for the last time`, isFault: true, take: copied }] : []),
    ...together,
    ...unheard(world, (less) => ({ label, take: () => putUnheard({ ...world, left: less }, to, [input]) })),
  ];
}
