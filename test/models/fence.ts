/**
 * One branch of a participant behind its fence, and a coordinator that asks, loses answers, asks again and decides.
 *
 * Real: all of the fence but its table, which keeps what the tables promise: of two visits of a branch, one is after the
 * other. Of the model: the order in which commands arrive, copies of them, handlers that fail, and processes that die.
 */
import type { Answer } from '../../sdk/participant/command.js';
import type { ForwardFact } from '../../sdk/protocol/commands.js';
import { type Kind, opOf, type Phase } from '../../sdk/protocol/kinds.js';
import type { Decision } from '../../sdk/protocol/views.js';
import type { Model, Step } from './explore.js';
import { begin, end, type OuterWill, type Run, runMs } from './external.js';
import { carryOut, type Kept, keyOfKept, nothingKept, standsOf, type Will } from './fenced.js';

export interface FenceScope {
  readonly name: string;
  readonly kind: Kind;
  /** The work is outside of the participant's database. */
  readonly isExternal?: boolean;
  /** Two coordinators that do not know of each other: one commits, one rolls back. */
  readonly isSplit?: boolean;
  readonly budget: FenceBudget;
}

export interface FenceBudget {
  /** Forward commands. */
  readonly forwards: number;
  /** Commands that come once more. */
  readonly copies: number;
  /** A handler fails or an end is refused, a process dies, an answer is lost. */
  readonly failures: number;
  /** The database comes back from an old back-up, without the branch. */
  readonly restores: number;
}

interface Flight {
  readonly phase: Phase;
  readonly forward: ForwardFact | undefined;
}

/** A run outside, and whether the other system has been asked. */
interface Underway extends Run {
  readonly isAsked: boolean;
}

export interface FenceWorld {
  readonly scope: FenceScope;
  readonly now: number;
  readonly kept: Kept;
  readonly flights: readonly Flight[];
  readonly runs: readonly Underway[];
  /** What the coordinator was told of the forward op, in the order in which it was. */
  readonly told: readonly ('done' | 'refused' | 'suppressed')[];
  readonly decision: Decision | undefined;
  /** Ends that were answered with done. */
  readonly settled: readonly Decision[];
  readonly left: FenceBudget;
}

export const fenceModel = (scope: FenceScope): Model<FenceWorld> => ({
  name: scope.name,
  initial: {
    scope,
    now: 1,
    kept: nothingKept,
    flights: [],
    runs: [],
    told: [],
    decision: undefined,
    settled: [],
    left: scope.budget,
  },
  next: stepsFrom,
  keyOf,
  wrongIn,
  isFinal: ({ settled, left, scope }) => settled.length > 0 || left.restores < scope.budget.restores,
  mustEnd: true,
});

type Steps = readonly Step<FenceWorld>[];

/** From then on time passes only for what waits for a run to be over. */
const busyUntil = 3;

function stepsFrom(world: FenceWorld): Steps {
  const { flights, runs, now, kept } = world;
  const isWaiting = [kept.first, kept.second].some((row) => row?.outcome === 'started' && now < row.at + runMs);
  const mayTick = world.scope.isExternal && (now < busyUntil || (runs.length === 0 && isWaiting));
  return [
    ...coordinatorSteps(world),
    ...distinct(flights).flatMap((flight) => arrivals(world, flight)),
    ...runs.flatMap((run) => runSteps(world, run)),
    ...lateOutcomes(world),
    ...restores(world),
    ...(mayTick ? [{ label: 'time passes', take: () => ({ ...world, now: now + 1 }) }] : []),
  ];
}

const distinct = (flights: readonly Flight[]): readonly Flight[] =>
  flights.filter((one, index) => flights.findIndex((other) => keyOfFlight(other) === keyOfFlight(one)) === index);

const keyOfFlight = ({ phase, forward }: Flight): string => (forward ? `${phase}, forward ${forward},` : phase);

function coordinatorSteps(world: FenceWorld): Steps {
  const { decision, scope, left, flights } = world;
  const steps: Step<FenceWorld>[] = [];
  const hasForward = opOf(scope.kind, 'forward') !== undefined;
  if (hasForward && left.forwards > 0 && decision === undefined) {
    const take = () => ({ ...send(world, 'forward'), left: { ...left, forwards: left.forwards - 1 } });
    steps.push({ label: 'the forward op is asked', take });
  }
  const knows = knownOf(world);
  if (decision === undefined && hasForward && opOf(scope.kind, 'rollback')) {
    steps.push({ label: 'rollback is decided', take: () => ({ ...world, decision: 'rollback' }) });
  }
  if (decision === undefined && opOf(scope.kind, 'commit') && (knows === 'done' || !hasForward)) {
    steps.push({ label: 'commit is decided', take: () => ({ ...world, decision: 'commit' }) });
  }
  for (const phase of endsOf(world)) {
    if (flights.some((flight) => flight.phase === phase)) continue;
    steps.push({ label: `${phase} is asked, forward ${knows}`, take: () => send(world, phase) });
  }
  return steps;
}

/** What is still asked: the decision, or both where two coordinators are split. */
function endsOf({ decision, scope, settled }: FenceWorld): readonly Decision[] {
  if (decision === undefined) return [];
  const asked: readonly Decision[] = scope.isSplit ? ['commit', 'rollback'] : [decision];
  return settled.length > 0 ? [] : asked;
}

const send = (world: FenceWorld, phase: Phase): FenceWorld => ({
  ...world,
  flights: [...world.flights, { phase, forward: phase === 'forward' ? undefined : knownOf(world) }],
});

const knownOf = ({ told }: FenceWorld): ForwardFact =>
  told.includes('done') ? 'done' : told.includes('refused') ? 'refused' : 'unknown';

const commandOf = ({ scope: { kind } }: FenceWorld, { phase, forward }: Flight) => ({
  kind,
  op: opOf(kind, phase)!,
  forward,
});

/** A command arrives; a copy of it may come later. */
function arrivals(world: FenceWorld, flight: Flight): Steps {
  const { left, flights, scope } = world;
  const here = { ...world, flights: flights.filter((_, index) => index !== flights.indexOf(flight)) };
  const once = scope.isExternal ? outside(here, flight) : inside(here, flight);
  if (left.copies === 0) return once;
  const more = { ...world, left: { ...left, copies: left.copies - 1 } };
  const copied = (scope.isExternal ? outside(more, flight) : inside(more, flight)).map((step) => ({
    ...step,
    label: `${step.label}, not for the last time`,
    isFault: true,
  }));
  return [...once, ...copied];
}

function inside(world: FenceWorld, flight: Flight): Steps {
  const { left } = world;
  const failing = { ...world, left: { ...left, failures: left.failures - 1 } };
  const step = (will: Will, isHeard: boolean, isFault: boolean): Step<FenceWorld> => ({
    label: `${keyOfFlight(flight)} arrives: ${will}${isHeard ? '' : ', and dies after the commit'}`,
    isFault,
    take: async () => {
      const from = isFault ? failing : world;
      const { kept, outcome } = await carryOut(world.kept, commandOf(world, flight), will);
      const next = { ...from, kept };
      return isHeard && outcome.kind !== 'unknown' && outcome.kind !== 'pending' ? hear(next, flight, outcome) : next;
    },
  });
  const plain = [step('done', true, false), ...(flight.phase === 'forward' ? [step('refused', true, false)] : [])];
  if (left.failures === 0) return plain;
  const unheard = [step('done', false, true), step('refused', false, true), step('fails', true, true)];
  return [...plain, ...unheard, ...(flight.phase === 'forward' ? [] : [step('refused', true, true)])];
}

function outside(world: FenceWorld, flight: Flight): Steps {
  if (world.runs.length === 2) return [];
  const take = async (): Promise<FenceWorld> => {
    const begun = await begin(world.kept, commandOf(world, flight), world.now);
    const next = { ...world, kept: begun.kept };
    if ('answer' in begun) return hear(next, flight, begun.answer);
    return { ...next, runs: [...world.runs, { ...begun.run, isAsked: false }] };
  };
  return [{ label: `${keyOfFlight(flight)} arrives`, take }];
}

/** The other system is asked while the run's time lasts; the handler ends; or its process dies. */
function runSteps(world: FenceWorld, run: Underway): Steps {
  const { now, kept, runs, left, scope } = world;
  const rest = runs.filter((one) => one !== run);
  const { op, forward } = run.command;
  const phase = (['forward', 'commit', 'rollback'] as const).find((one) => opOf(scope.kind, one) === op)!;
  const name = `the ${phase} of time ${run.startedAt}`;
  const flight: Flight = { phase, forward };
  const over = (will: OuterWill, isFault: boolean): Step<FenceWorld> => ({
    label: `${name} ends: ${will}`,
    isFault,
    take: async () => {
      const ended = await end(kept, run, will, now);
      const next = { ...world, kept: ended.kept, runs: rest, left: isFault ? fail(left) : left };
      return ended.answer ? hear(next, flight, ended.answer) : next;
    },
  });
  const isInTime = now < run.startedAt + runMs;
  const asked = runs.map((one) => (one === run ? { ...one, isAsked: true } : one));
  const ask = { label: `${name} takes effect`, take: () => ({ ...world, kept: took(kept, phase), runs: asked }) };
  const dies = { label: `${name} dies`, isFault: true, take: () => ({ ...world, runs: rest, left: fail(left) }) };
  const isThere = phase === 'forward' && kept.effects.includes('forward');
  return [
    ...(run.isAsked ? [over('done', false)] : isInTime ? [ask] : []),
    ...(run.isAsked && phase === 'forward' && left.failures > 0 ? [over('pending', true)] : []),
    ...(!run.isAsked && !isThere && phase === 'forward' ? [over('refused', false)] : []),
    ...(!run.isAsked && !isInTime ? [over('fails', false)] : []),
    ...(left.failures > 0 ? [over('fails', true), dies] : []),
    ...(left.failures > 0 && !run.isAsked && phase !== 'forward' ? [over('refused', true)] : []),
  ];
}

const fail = (left: FenceBudget): FenceBudget => ({ ...left, failures: left.failures - 1 });

/** The other system does each thing once, by its key, and cancels what is there, if it is there. */
function took(kept: Kept, phase: Phase): Kept {
  if (kept.effects.includes(phase) || (phase === 'rollback' && kept.effects.length === 0)) return kept;
  return { ...kept, effects: [...kept.effects, phase] };
}

/** What a handler asked for time for becomes known to the coordinator by another way. */
function lateOutcomes(world: FenceWorld): Steps {
  const { kept, told, settled } = world;
  if (kept.first?.outcome !== 'pending' || told.length > 0 || settled.length > 0) return [];
  const isDone = kept.effects.includes('forward') && !kept.effects.includes('rollback');
  if (!isDone) return [];
  return [{ label: 'the forward op is said to be done later', take: () => ({ ...world, told: ['done'] }) }];
}

/** Everything of the branch is gone but what is known elsewhere. It takes longer than any command is on its way. */
function restores(world: FenceWorld): Steps {
  const { left, kept, scope, runs } = world;
  if (left.restores === 0 || knownOf(world) !== 'done' || runs.length > 0) return [];
  const effects = scope.isExternal ? kept.effects : [];
  const less = { ...left, restores: left.restores - 1 };
  const take = () => ({ ...world, kept: { ...nothingKept, effects }, flights: [], left: less });
  return [{ label: 'the database comes back from an old back-up', isFault: true, take }];
}

/** The coordinator is answered. Throws for an answer that contradicts another one. */
function hear(
  world: FenceWorld,
  { phase }: Flight,
  answer: Answer | { kind: 'done' | 'refused'; code?: string },
): FenceWorld {
  const { told, settled, scope, left } = world;
  if (answer.kind !== 'done' && answer.kind !== 'refused') return world;
  const code = answer.kind === 'refused' ? answer.code : undefined;
  const isExpected = scope.isSplit || left.restores < scope.budget.restores || code === 'suppressed';
  if (code !== undefined && !isExpected) throw new Error(`${phase} is answered with ${code}`);
  if (phase !== 'forward') {
    return answer.kind === 'done' && !settled.includes(phase) ? { ...world, settled: [...settled, phase] } : world;
  }
  const fact = code === 'suppressed' ? code : answer.kind;
  const other = fact === 'done' ? 'refused' : 'done';
  if (fact !== 'suppressed' && told.includes(other)) throw new Error(`I12 the forward op is ${fact}, and was ${other}`);
  return told.includes(fact) || code === 'forward_missing' ? world : { ...world, told: [...told, fact] };
}

function wrongIn({ kept, scope, settled, left }: FenceWorld): string | undefined {
  const { effects } = kept;
  if (new Set(effects).size < effects.length) return `I5 twice in ${effects}`;
  if (effects.includes('commit') && effects.includes('rollback')) return `I7 both in ${effects}`;
  if (scope.kind !== 'message' && effects.length > 0 && effects[0] !== 'forward') return `I7 no do before ${effects}`;
  if (settled.length > 1) return `I7 both ends were answered with done`;
  if (left.restores < scope.budget.restores && !scope.isExternal) return undefined;
  if (settled[0] === 'rollback' && standsOf(kept) !== 'nothing') return `I1 I6 rolled back, and ${effects} stands`;
  if (settled[0] === 'commit' && !effects.includes('commit')) return `I1 committed, and there is only ${effects}`;
  return undefined;
}

function keyOf({ now, kept, flights, runs, told, decision, settled, left }: FenceWorld): string {
  const rows = [kept.first, kept.second].map(
    (row) => row && `${row.op}${row.outcome}${row.at}${JSON.stringify(row.result)}`,
  );
  const going = runs.map(({ command, startedAt, found, isAsked }) =>
    [command.op, command.forward, startedAt, isAsked, found.first?.outcome, found.second?.outcome].join(),
  );
  const parts = [now, rows, keyOfKept(kept), flights.map(keyOfFlight).sort(), going.sort(), told, decision, settled];
  return `${parts.join('#')}#${Object.values(left)}`;
}
