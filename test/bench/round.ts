/** One round: fresh processes on fresh stores, then every point once, the modes in turn. */
import { type Counters, type PerTransaction, readWaits } from './counters.js';
import type { Load, LoadResult } from './load.js';
import type { Options } from './options.js';
import { type Stage, withStages } from './stage.js';
import { residentMiB, snapshot, type Usage, usageBetween } from './usage.js';
import { type Mode, type Variant, wordOf, wrongEffects } from './work.js';

interface Place {
  readonly round: number;
  readonly mode: Mode;
  readonly variant: Variant;
  readonly inFlight: number;
}

/** One measured point. */
export interface Point extends Place, LoadResult, Usage {
  readonly residentMiB: Readonly<Record<string, number>>;
  /** Of the measured transactions; undefined while the coordinator does not tell. */
  readonly counters: Counters | undefined;
}

/** Counted rows of a transaction, by mode and variant. */
export type Counted = Readonly<Partial<Record<Mode, Readonly<Partial<Record<Variant, PerTransaction>>>>>>;

export interface Round {
  readonly points: readonly Point[];
  /** Appends: each was waited for before the next. */
  readonly waits: Counted;
}

/** Above this share of the machine taken by others, a point is measured once more. */
const othersPercentMax = 6;

export const runRound = (round: number, options: Options, progress: (line: string) => void): Promise<Round> =>
  withStages(options.modes, options, async (stages) => {
    for (const stage of stages) await warmUp(stage, options);
    const points: Point[] = [];
    for (const variant of options.variants) {
      for (const inFlight of options.inFlight) {
        for (const stage of beginningWith(round - 1, stages)) {
          const place = { round, mode: stage.mode, variant, inFlight };
          const point = await quietPoint(stage, place, options);
          points.push(point);
          progress(told(point, options));
        }
      }
    }
    return { points, waits: await counted(stages, options, readWaits) };
  });

/** Each round begins with another, so that none always comes after the same one. */
const beginningWith = <T>(index: number, all: readonly T[]): readonly T[] => [
  ...all.slice(index % all.length),
  ...all.slice(0, index % all.length),
];

/** Reads from the stores' files. */
export async function counted(
  stages: readonly Stage[],
  { variants }: Options,
  read: (store: string, variant: Variant) => Promise<PerTransaction>,
): Promise<Counted> {
  const ofStage = async ({ mode, store }: Stage) => {
    const found = variants.map(async (variant) => [variant, await read(store, variant)] as const);
    return [mode, Object.fromEntries(await Promise.all(found))] as const;
  };
  return Object.fromEntries(await Promise.all(stages.map(ofStage)));
}

/** A process that just started runs code that is not compiled yet: what one costs in its first seconds is no figure. */
async function warmUp(stage: Stage, { variants, warmUpMs }: Options): Promise<void> {
  for (const variant of variants) {
    await drive(stage, { variant, inFlight: 32, ms: warmUpMs / variants.length, prefix: `${variant}-warm` });
  }
}

/** The quieter of two tries, where the first was disturbed. */
async function quietPoint(stage: Stage, place: Place, options: Options): Promise<Point> {
  const first = await measure(stage, place, options, 'a');
  if (!(first.othersPercent > othersPercentMax)) return first;
  const second = await measure(stage, place, options, 'b');
  return second.othersPercent < first.othersPercent ? second : first;
}

async function measure(stage: Stage, place: Place, options: Options, attempt: string): Promise<Point> {
  const { variant, inFlight } = place;
  const prefix = `${variant}-${inFlight}-`;
  await drive(stage, { variant, inFlight, ms: options.warmMs, prefix: `${prefix}w${attempt}` });
  const countersBefore = await stage.counters();
  const before = snapshot(stage.pids);
  const result = await stage.run({ variant, inFlight, ms: options.ms, prefix: `${prefix}m${attempt}` });
  const usage = usageBetween(before, snapshot(stage.pids));
  const countersAfter = await stage.counters();
  await checkTally(stage, variant, result.count);
  const resident = Object.fromEntries(Object.entries(stage.pids).map(([part, pid]) => [part, residentMiB(pid)]));
  return { ...place, ...result, ...usage, residentMiB: resident, counters: between(countersBefore, countersAfter) };
}

/** Carries out a load and looks at its effects. Resolves with how many transactions there were. */
export async function drive(stage: Stage, load: Load): Promise<number> {
  const { count } = await stage.run(load);
  await checkTally(stage, load.variant, count);
  return count;
}

async function checkTally(stage: Stage, variant: Variant, count: number): Promise<void> {
  const wrong = wrongEffects(await stage.tally(), wordOf(stage.mode, variant), count);
  if (wrong !== undefined) throw new Error(`${stage.mode}: ${wrong}`);
}

const between = (before?: Counters, after?: Counters): Counters | undefined =>
  before &&
  after && {
    groups: after.groups - before.groups,
    appends: after.appends - before.appends,
    statements: after.statements - before.statements,
    rowsWritten: after.rowsWritten - before.rowsWritten,
  };

const told = (point: Point, options: Options): string =>
  `round ${point.round}/${options.rounds}  ${point.mode.padEnd(11)}  ${point.variant.padEnd(6)}  ` +
  `${String(point.inFlight).padStart(3)} in flight  ${Math.round((point.count * 1000) / point.wallMs)} tx/s  ` +
  `p50 ${point.p50.toFixed(2)} ms  p99 ${point.p99.toFixed(2)} ms  others ${point.othersPercent.toFixed(0)} % of the CPU`;
