/**
 * The initiator of a transaction that is asked about: it prepares, does its own work in its own database, and submits. Its
 * marker says how its work ended; whoever writes it first wins. The check reads it, and closes it where there is none.
 */
import type { CheckAnswer } from '../../sdk/protocol/outcomes.js';
import type { Step } from './explore.js';
import { put } from './putting.js';
import { type Answer, type Desk, type Flight, isSame, nameOf, spend, type World, without } from './world.js';

export const readyDesk: Desk = { at: 'preparing', marker: undefined, closes: true };

const move = (world: World, desk: Partial<Desk>): World => ({ ...world, desk: { ...world.desk!, ...desk } });

export function deskSteps(world: World): readonly Step<World>[] {
  const { desk, requests, log, left } = world;
  if (!desk || !log || desk.at === 'over') return [];
  const steps: Step<World>[] = [];
  const isPrepared = !requests.some(({ type }) => type === 'add_branch');
  if (desk.at === 'preparing' && isPrepared) {
    steps.push({ label: 'the initiator begins its own transaction', take: () => move(world, { at: 'working' }) });
  }
  if (desk.at === 'working') steps.push(...endings(world));
  if (desk.at === 'submitting') steps.push(...submissions(world));
  if (left.crashes > 0) {
    const dies = () => ({ ...move(world, { at: 'over' }), left: spend(left, 'crashes') });
    steps.push({ label: 'the initiator dies', isFault: true, take: dies });
  }
  return steps;
}

/** Its transaction ends: the marker is in it. */
function endings(world: World): readonly Step<World>[] {
  const { id } = world.coordinators[0]!;
  const asked = { type: 'rollback', reason: 'the work failed' } as const;
  const fails = () => put(move(world, { at: 'over' }), id, [asked]);
  const failing = { label: 'the work of the initiator fails, and it asks to roll back', take: fails };
  if (world.desk!.marker === 'rollback') return [failing];
  const commits = () => move(world, { at: 'submitting', marker: 'commit' });
  return [failing, { label: 'the initiator commits its own transaction', take: commits }];
}

const submissions = (world: World): readonly Step<World>[] =>
  world.coordinators.map(({ id }) => ({
    label: `the initiator submits to ${id}`,
    take: () => put(move(world, { at: 'over' }), id, [{ type: 'commit' }]),
  }));

/** The question reaches the check; a copy of it may come later. */
export function checkArrivals(world: World, flight: Flight): readonly Step<World>[] {
  const { left, desk } = world;
  const isLocked = desk!.at === 'working' && desk!.marker === undefined;
  const step = (locked: boolean, isFault: boolean, isCopied: boolean): Step<World> => ({
    label: `${nameOf(flight)} arrives${isCopied ? ', not for the last time' : ''}${locked ? ' at a locked marker' : ''}${isFault ? ' and fails' : ''}`,
    isFault: isFault || isCopied,
    take: () => answerCheck(world, flight, locked, isFault, isCopied),
  });
  return [
    step(false, false, false),
    ...(isLocked ? [step(true, false, false)] : []),
    ...(left.failures > 0 ? [step(false, true, false)] : []),
    ...(left.copies > 0 ? [step(false, false, true)] : []),
  ];
}

function answerCheck(world: World, flight: Flight, locked: boolean, isFault: boolean, isCopied: boolean): World {
  const { desk, left } = world;
  const said: CheckAnswer = locked ? 'unknown' : (desk!.marker ?? 'rollback');
  const reply = isFault ? ({ kind: 'unknown', error: '503' } as const) : ({ kind: 'checked', answer: said } as const);
  const { branch, op, attempt, by } = flight;
  const answer: Answer = { branch, op, attempt, reply, to: by };
  const isWaitedFor = world.coordinators.some(({ id, hands }) => id === by && hands.some((one) => isSame(one, flight)));
  const closed = !isFault && said === 'rollback' && desk!.closes ? move(world, { marker: 'rollback' }) : world;
  const spent = isFault ? spend(left, 'failures') : left;
  return {
    ...closed,
    flights: isCopied ? world.flights : without(world.flights, flight),
    answers: isWaitedFor ? [...world.answers, answer] : world.answers,
    left: isCopied ? spend(spent, 'copies') : spent,
  };
}

/** What is decided is what the initiator did, and it can do nothing else any more. */
export function wrongAtDesk({ log, desk }: World): string | undefined {
  const decision = log?.decision;
  if (!desk || !decision || decision === desk.marker) return undefined;
  return `I1 ${decision} is decided, and the marker of the initiator says ${desk.marker ?? 'nothing'}`;
}
