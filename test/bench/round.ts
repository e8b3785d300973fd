/** One round: fresh processes on a fresh store, then every point once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadResult } from './client.js';
import { type Counters, noteWrites, type PerTransaction, readCounters, readWaits, readWrites } from './counters.js';
import type { Options } from './options.js';
import { type Client, type Part, type Server, startClient, startCoordinator, startParticipant } from './processes.js';
import { residentMiB, snapshot, type Usage, usageBetween } from './usage.js';
import { type Variant, wrongEffects } from './work.js';

/** One measured point. */
export interface Point extends LoadResult, Usage {
  readonly round: number;
  readonly variant: Variant;
  readonly inFlight: number;
  readonly residentMiB: Readonly<Record<string, number>>;
  /** Of the measured transactions; undefined while the coordinator does not tell. */
  readonly counters: Counters | undefined;
}

/** Counted rows of a transaction, by variant. */
export type Counted = Readonly<Partial<Record<Variant, PerTransaction>>>;

export interface Round {
  readonly points: readonly Point[];
  /** Appends: each was waited for before the next. */
  readonly waits: Counted;
}

interface Stage {
  readonly coordinator: Server;
  readonly participant: Server;
  readonly client: Client;
}

/** Above this share of the machine taken by others, a point is measured once more. */
const othersPercentMax = 6;

export const runRound = (round: number, options: Options, progress: (line: string) => void): Promise<Round> =>
  inFolder(options, async (dir) => {
    const store = join(dir, 'bench.db');
    const points = await withStage(dir, store, options, async (stage) => {
      await warmUp(stage, options);
      const measured: Point[] = [];
      for (const variant of options.variants) {
        for (const inFlight of options.inFlight) {
          const point = await quietPoint(stage, { round, variant, inFlight }, options);
          measured.push(point);
          progress(told(point, options));
        }
      }
      return measured;
    });
    return { points, waits: await counted(options, (variant) => readWaits(store, variant)) };
  });

/** How many rows a transaction writes, counted by triggers in the store's file: not measured while it is timed. */
export const countWrites = (options: Options): Promise<Counted> =>
  inFolder(options, async (dir) => {
    const store = join(dir, 'bench.db');
    await withStage(dir, store, options, async (stage) => {
      await noteWrites(store);
      const short = { ...options, ms: 500, warmMs: 1 };
      for (const variant of options.variants) {
        for (const inFlight of [1, 64]) await measure(stage, { round: 0, variant, inFlight }, short, 'c');
      }
    });
    return counted(options, (variant) => readWrites(store, variant));
  });

async function counted(options: Options, read: (variant: Variant) => Promise<PerTransaction>): Promise<Counted> {
  const found = options.variants.map(async (variant) => [variant, await read(variant)] as const);
  return Object.fromEntries(await Promise.all(found));
}

async function inFolder<T>(options: Options, work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(options.dir, 'concordat-bench-'));
  folders.add(dir);
  try {
    return await work(dir);
  } finally {
    removeFolders();
  }
}

const folders = new Set<string>();

/** Removes what rounds have left, finished or not. */
export function removeFolders(): void {
  for (const dir of folders) rmSync(dir, { recursive: true, force: true });
  folders.clear();
}

async function withStage<T>(
  dir: string,
  store: string,
  options: Options,
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  const started: Part[] = [];
  const keep = <P extends Part>(part: P): P => {
    started.unshift(part);
    return part;
  };
  try {
    const participant = keep(await startParticipant(dir));
    const coordinator = keep(await startCoordinator(dir, store, options.coordinator));
    if (options.to !== 'url') await participant.register(coordinator.url, options.to);
    const client = keep(await startClient(dir));
    return await work({ coordinator, participant, client });
  } finally {
    for (const part of started) await part.stop();
  }
}

/** A process that just started runs code that is not compiled yet: what one costs in its first seconds is no figure. */
async function warmUp({ coordinator, participant, client }: Stage, { variants, warmUpMs, to }: Options): Promise<void> {
  const load = { coordinatorUrl: coordinator.url, participantUrl: participant.url, to, inFlight: 32 };
  for (const variant of variants) {
    const { count } = await client.run({ ...load, variant, ms: warmUpMs / variants.length, prefix: `${variant}-warm` });
    await checkTally(participant, variant, count);
  }
}

type Place = Pick<Point, 'round' | 'variant' | 'inFlight'>;

/** The quieter of two tries, where the first was disturbed. */
async function quietPoint(stage: Stage, place: Place, options: Options): Promise<Point> {
  const first = await measure(stage, place, options, 'a');
  if (!(first.othersPercent > othersPercentMax)) return first;
  const second = await measure(stage, place, options, 'b');
  return second.othersPercent < first.othersPercent ? second : first;
}

async function measure(stage: Stage, place: Place, options: Options, attempt: string): Promise<Point> {
  const { coordinator, participant, client } = stage;
  const { variant, inFlight } = place;
  const parts = { coordinator: coordinator.pid, participant: participant.pid, client: client.pid };
  const addresses = { coordinatorUrl: coordinator.url, participantUrl: participant.url, to: options.to };
  const load = { ...addresses, variant, inFlight };
  const warm = await client.run({ ...load, ms: options.warmMs, prefix: `${variant}-${inFlight}-w${attempt}` });
  await checkTally(participant, variant, warm.count);
  const countersBefore = await readCounters(coordinator.url);
  const before = snapshot(parts);
  const result = await client.run({ ...load, ms: options.ms, prefix: `${variant}-${inFlight}-m${attempt}` });
  const usage = usageBetween(before, snapshot(parts));
  const countersAfter = await readCounters(coordinator.url);
  await checkTally(participant, variant, result.count);
  const resident = Object.fromEntries(Object.entries(parts).map(([part, pid]) => [part, residentMiB(pid)]));
  return { ...place, ...result, ...usage, residentMiB: resident, counters: between(countersBefore, countersAfter) };
}

async function checkTally(participant: Server, variant: Variant, count: number): Promise<void> {
  const tally = (await (await fetch(`${participant.url}/tally`)).json()) as Record<string, number>;
  const wrong = wrongEffects(tally, variant, count);
  if (wrong !== undefined) throw new Error(wrong);
}

const between = (before?: Counters, after?: Counters): Counters | undefined =>
  before &&
  after && {
    groups: after.groups - before.groups,
    appends: after.appends - before.appends,
    statements: after.statements - before.statements,
    rowsWritten: after.rowsWritten - before.rowsWritten,
  };

const told = ({ round, variant, inFlight, count, wallMs, p50, p99, othersPercent }: Point, options: Options): string =>
  `round ${round}/${options.rounds}  ${variant.padEnd(6)}  ${String(inFlight).padStart(3)} in flight  ` +
  `${Math.round((count * 1000) / wallMs)} tx/s  p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms  ` +
  `others ${othersPercent.toFixed(0)} % of the CPU`;
