/** One case: the saga with its services and a coordinator, under one schedule of troubles, to its end. */
import type { Clock } from '../../coordinator/embed/stage.js';
import { checkDefinitions } from '../participant/definitions.js';
import { hostParticipants } from '../participant/host.js';
import type { HostLog } from '../participant/log.js';
import { defaults } from '../protocol/limits.js';
import { Boundaries } from './boundaries.js';
import { checkAtEnd, looking } from './checks.js';
import { Coordinators } from './coordinators.js';
import { contentsOf, type NamedDatabase, namedDatabases } from './databases.js';
import { Initiator } from './initiator.js';
import { Network } from './network.js';
import type { Rehearsed } from './options.js';
import type { Effect, Rehearsal, RehearsalParts } from './rehearsal.js';
import { hearRejections } from './rejections.js';
import type { Step } from './schedule.js';
import { Story, verbOf } from './story.js';
import { type Halt, RehearsedTime } from './time.js';
import { watched } from './watch.js';
import { type Offence, Witness } from './witness.js';

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
  parts.present.begin(time);
  const clock: Clock = { ...time.process().clock, monotonic: () => parts.present.monotonic() };
  const marks = { rollbackOnly: (xid: string, reason?: string) => initiator.client.rollbackOnly(xid, reason) };
  const hosted = await hostParticipants({ participants: definitions, client: marks, clock, log: silent });
  const effects = new Map<string, Effect>();
  const look = looking(parts, databases, effects, offences, (step) => {
    inHand = step;
  });
  const meanwhile = othersOf(parts, story);
  const network: Network = new Network(
    { meanwhile, schedule, time, story, definitions, host: hosted.execute, look },
    () => coordinators,
  );
  const boundaries = new Boundaries(schedule, () => ({ done: witness.done, requests: initiator.requests }));
  const coordinators: Coordinators = new Coordinators({
    definitions,
    time,
    story,
    boundaries,
    killSaga: () => initiator.kill(),
    execute: (command, life) => network.execute(command, life),
  });
  const initiator = new Initiator({ schedule, coordinators, time, story });
  const unhear = hearRejections((what) => offences.push({ kind: 'not awaited', step: witness.last, what }));
  if (schedule.some((fault) => fault.kind === 'meanwhile' && fault.when === 'before')) await meanwhile();
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
    boundaries: boundaries.passed,
    requests: initiator.requests,
    witness,
    contents: ended.stuckIn === undefined ? await contentsOf(databases) : new Map(),
    databases,
    effects,
    offences,
  };
}

/** Lets another transaction of the user's commit. */
const othersOf =
  <Made extends Rehearsed>({ options, made }: RehearsalParts<Made>, story: Story) =>
  async (): Promise<void> => {
    await options.meanwhile?.(made);
    story.tell('Another transaction commits something of its own');
  };

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

function finish(network: Network, time: RehearsedTime): Promise<Halt> {
  let over = false;
  void network.finish().then(() => {
    over = true;
  });
  return time.pass(() => over, limitMs);
}
