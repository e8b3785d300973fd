/** One case: the saga with its services and a coordinator, under one schedule of troubles, to its end. */
import type { Clock } from '../../coordinator/embed/stage.js';
import { checkDefinitions } from '../participant/definitions.js';
import { hostParticipants } from '../participant/host.js';
import type { HostLog } from '../participant/log.js';
import { defaults } from '../protocol/limits.js';
import type { TransactionStatus } from '../protocol/views.js';
import { Coordinators, type Outcome } from './coordinators.js';
import { type Contents, contentsOf, type NamedDatabase, namedDatabases } from './databases.js';
import { Initiator } from './initiator.js';
import { Network } from './network.js';
import type { End, ExploreOptions, Rehearsed, Saga } from './options.js';
import { hearRejections } from './rejections.js';
import { keyOf, type Schedule, type Step } from './schedule.js';
import { Story, verbOf } from './story.js';
import { type Halt, RehearsedTime } from './time.js';
import { watched } from './watch.js';
import { messageOf, type Offence, Witness } from './witness.js';

/** What one command did to the databases. */
export interface Effect {
  readonly step: Step;
  readonly before: Contents;
  readonly after: Contents;
}

/** All that is known of a case that is over. */
export interface Rehearsal {
  readonly schedule: Schedule;
  readonly lines: readonly string[];
  readonly halt: Halt;
  /** What was under way when something real did not come back. */
  readonly stuckIn: Step | 'saga' | undefined;
  readonly outcomes: readonly Outcome[];
  readonly sagaEnded: boolean;
  readonly sagaError: unknown;
  readonly drives: boolean;
  /** In the order in which they were first sent. */
  readonly steps: readonly Step[];
  readonly boundaries: readonly string[];
  readonly requests: number;
  readonly witness: Witness;
  readonly contents: Contents;
  /** As it was before commands arrived that were held up until all was over; undefined where none were. */
  readonly early: { readonly contents: Contents; readonly runs: number } | undefined;
  readonly databases: readonly NamedDatabase[];
  /** By key of the step; where they were looked at. */
  readonly effects: ReadonlyMap<string, Effect>;
  /** What the user's own checks said, and what was seen while it ran. */
  readonly offences: readonly Offence[];
}

export interface RehearsalParts<Made extends Rehearsed> {
  readonly saga: Saga<Made>;
  readonly options: ExploreOptions<Made>;
  readonly made: Made;
  readonly schedule: Schedule;
  /** Looks at the databases before and after each command too. */
  readonly looks: boolean;
  readonly present: Present;
}

/** The time of the case that goes on now: asked by what outlives a case, as the fence of a database does. */
export interface Present {
  monotonic: () => number;
}

/** Far beyond every deadline and every retry, of time that takes no time. */
const limitMs = 6 * 3600 * 1000;

const silent: HostLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

export async function rehearse<Made extends Rehearsed>(parts: RehearsalParts<Made>): Promise<Rehearsal> {
  const { saga, options, made, schedule } = parts;
  const story = new Story();
  let inHand: Step | undefined;
  const time = new RehearsedTime(options.stuckMs ?? 5000);
  const own = checkDefinitions(made.participants, silent);
  const databases = namedDatabases(own, made.databases ?? {});
  const offences: Offence[] = [];
  const witness = new Witness(
    schedule,
    story,
    (offence) => offences.push(offence),
    () => {
      network.runs++;
    },
    (xid) => coordinators.ordinalOf(xid),
  );
  const definitions = own.map((definition) => watched(definition, witness));
  const clock = hostClock(time, parts.present);
  const marks = { rollbackOnly: (xid: string, reason?: string) => initiator.client.rollbackOnly(xid, reason) };
  const hosted = await hostParticipants({ participants: definitions, client: marks, clock, log: silent });
  const effects = new Map<string, Effect>();
  const look = looking(parts, databases, effects, offences, (step) => {
    inHand = step;
  });
  const network: Network = new Network(
    { schedule, time, story, definitions, host: hosted.execute, look },
    () => coordinators,
  );
  const killAt = schedule.find((fault) => fault.kind === 'coordinator')?.boundary ?? 0;
  const coordinators: Coordinators = new Coordinators({
    definitions,
    time,
    story,
    killAt,
    execute: (command, life) => network.execute(command, life),
  });
  const initiator = new Initiator({ schedule, coordinators, time, story });
  const unhear = hearRejections((what) => offences.push({ kind: 'not awaited', step: witness.last, what }));
  await coordinators.start();
  initiator.run((client) => saga(client, made));
  const scene: Scene = { time, story, network, coordinators, witness, databases, over: () => initiator.isOver };
  const ended = await toTheEnd(scene, () => inHand);
  unhear();
  const outcomes = coordinators.outcomes();
  if (ended.stuckIn === undefined) await checkAtEnd(options, made, outcomes, offences);
  return {
    schedule,
    lines: story.lines,
    ...ended,
    outcomes,
    sagaEnded: initiator.isOver,
    sagaError: initiator.error,
    drives: initiator.drives,
    steps: [...network.steps.values()],
    boundaries: coordinators.boundaries,
    requests: initiator.requests,
    witness,
    contents: ended.stuckIn === undefined ? await contentsOf(databases) : new Map(),
    databases,
    effects,
    offences,
  };
}

/** What takes part in a case. */
interface Scene {
  readonly time: RehearsedTime;
  readonly story: Story;
  readonly network: Network;
  readonly coordinators: Coordinators;
  readonly witness: Witness;
  readonly databases: readonly NamedDatabase[];
  readonly over: () => boolean;
}

/** Lets time pass until all is over, and then lets arrive what was held up. */
async function toTheEnd(
  { time, story, network, coordinators, witness, databases, over }: Scene,
  inHand: () => Step | undefined,
): Promise<Pick<Rehearsal, 'halt' | 'stuckIn' | 'early'>> {
  const halt = await time.pass(() => over() && coordinators.isOver(), limitMs);
  const isLate = halt !== 'stuck' && network.late.length > 0;
  const early = isLate ? { contents: await contentsOf(databases), runs: witness.runs.length } : undefined;
  const end = halt === 'stuck' ? halt : await finish(network, time);
  const step = inHand();
  const stuckIn = end === 'stuck' ? (step ?? 'saga') : undefined;
  if (stuckIn !== undefined)
    story.tell(step ? `${step.participant} does not come back from ${verbOf(step)}` : 'The saga does not come back');
  story.end();
  coordinators.stop();
  // What hangs gives up at the end of its time, and lets go of its database.
  if (stuckIn !== undefined) await time.pass(() => false, 2 * defaults.callMs);
  return { halt, stuckIn, early };
}

/** A clock of the case, whose monotonic time goes on in what outlives it. */
function hostClock(time: RehearsedTime, present: Present): Clock {
  const { clock } = time.process();
  present.monotonic = clock.monotonic;
  return { ...clock, monotonic: () => present.monotonic() };
}

function finish(network: Network, time: RehearsedTime): Promise<Halt> {
  let over = false;
  void network.finish().then(() => {
    over = true;
  });
  return time.pass(() => over, limitMs);
}

function looking<Made extends Rehearsed>(
  { options, made, looks }: RehearsalParts<Made>,
  databases: readonly NamedDatabase[],
  effects: Map<string, Effect>,
  offences: Offence[],
  onHand: (step: Step | undefined) => void,
): (step: Step, when: 'before' | 'after') => Promise<void> {
  let before: Contents = new Map();
  return async (step, when) => {
    onHand(when === 'before' ? step : undefined);
    if (when === 'before') {
      if (looks) before = await contentsOf(databases);
      return;
    }
    const key = keyOf(step);
    if (looks && !effects.has(key)) effects.set(key, { step, before, after: await contentsOf(databases) });
    const { midway } = options;
    const wrong = midway && (await wordsOf(() => midway(made)));
    if (wrong !== undefined) offences.push({ kind: 'invariant', step, what: `in between, after this: ${wrong}` });
  };
}

async function checkAtEnd<Made extends Rehearsed>(
  { invariant }: ExploreOptions<Made>,
  made: Made,
  outcomes: readonly Outcome[],
  offences: Offence[],
): Promise<void> {
  if (!invariant) return;
  const end: End = {
    statuses: outcomes.map(({ status }) => status as TransactionStatus),
    committed: outcomes.at(-1)?.status === 'committed',
  };
  const wrong = await wordsOf(() => invariant(made, end));
  if (wrong !== undefined) offences.push({ kind: 'invariant', step: undefined, what: wrong });
}

/** What a check of the user's has to say; undefined when all is well. */
async function wordsOf(check: () => unknown): Promise<string | undefined> {
  try {
    const answer = await check();
    return typeof answer === 'string' && answer !== '' ? answer : undefined;
  } catch (error) {
    return messageOf(error);
  }
}
