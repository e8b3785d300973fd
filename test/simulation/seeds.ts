/** Runs seeds one after the other, in this process. */
import type { Options } from './options.js';
import { failureOf, shrunkOf } from './report.js';
import { type Outcome, run } from './run.js';
import { type Limits, settingsOf } from './settings.js';
import { replayCommand, shrink } from './shrink.js';
import type { Tally } from './tally.js';

/** One in so many runs twice, and must do the same. */
const sampleEvery = 50;
/** What such a seed breaks when it does not: a single run, as shrinking does them, does not show it. */
const unlike = 'trace';
const failuresMax = 5;
const beatMs = 2000;

export type Say = (text: string) => void;

/** Until all are done, the time is up or too many failed. `onBeat` is called every now and then. */
export async function runSeeds(options: Options, tally: Tally, say: Say, onBeat: () => void): Promise<void> {
  const { from, step } = options;
  const startedAt = performance.now();
  const until = startedAt + options.minutes * 60_000;
  const last = from + options.seeds * step;
  const end = Number.isFinite(last) ? last : Number.MAX_SAFE_INTEGER;
  let beatAt = startedAt;
  for (let seed = from; seed < end && tally.failed.length < failuresMax; seed += step) {
    const now = performance.now();
    if (now >= until) break;
    if (now - beatAt >= beatMs) {
      beatAt = now;
      onBeat();
    }
    await runSeed(seed, options, tally, say, onBeat);
    // A seed never lets go of the loop: what this process has to say to others goes out here.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function runSeed(
  seed: number,
  { limits, hashes }: Options,
  tally: Tally,
  say: Say,
  onTry: () => void,
): Promise<void> {
  const outcome = await quickly(() => once(seed, limits, tally));
  tally.add(outcome);
  if (hashes) say(`${seed} ${outcome.hash}`);
  if (outcome.violations.length === 0) return;
  say(failureOf(outcome, limits));
  if (outcome.violations[0]?.invariant !== unlike) say(shrunkOf(await shrink(outcome, limits, onTry)));
}

async function once(seed: number, limits: Limits, tally: Tally): Promise<Outcome> {
  const outcome = await run(seed, limits);
  // Who gets at a real file first nobody draws.
  if (seed % sampleEvery !== 0 || settingsOf(seed, limits).store === 'sqlite') return outcome;
  tally.sampled++;
  const { hash } = await run(seed, limits);
  if (hash === outcome.hash) return outcome;
  const flaw = { invariant: unlike, xid: undefined, what: `twice the same seed: ${outcome.hash}, ${hash}`, steps: [] };
  return { ...outcome, violations: [...outcome.violations, flaw] };
}

/** Errors are ordinary here, and nobody reads their stacks: they are made without. */
async function quickly<T>(work: () => Promise<T>): Promise<T> {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = before;
  }
}

/** What escapes a run ends the process, and says of which seed it was. */
export function sayWhatEscapes(limits: Limits, tally: Tally, options: Options, say: Say): void {
  process.on('uncaughtException', (error) => {
    const seed = options.from + tally.seeds * options.step;
    say(`seed ${seed} fails\n${error.stack ?? error.message}\nreplay: ${replayCommand(seed, limits)}`);
    process.exit(1);
  });
}
