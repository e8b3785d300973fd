/** `npm run simulate`: runs seeds one after the other until they are done or the time is up. Status 1 when one fails. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Options, optionsOf } from './options.js';
import { failureOf, reportOf, shrunkOf } from './report.js';
import { type Outcome, run } from './run.js';
import { shrink } from './shrink.js';
import { Tally } from './tally.js';

const sampleEvery = 50;
const failuresMax = 5;
const progressMs = 10_000;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** One seed; every so many-th runs twice, and must do the same. */
async function once(seed: number, options: Options): Promise<Outcome> {
  const outcome = await run(seed, options.limits);
  if (seed % sampleEvery !== 0) return outcome;
  const { hash } = await run(seed, options.limits);
  if (hash === outcome.hash) return outcome;
  const flaw = { invariant: 'trace', xid: undefined, what: `twice the same seed: ${outcome.hash}, ${hash}`, steps: [] };
  return { ...outcome, violations: [...outcome.violations, flaw] };
}

async function simulate(options: Options, tally: Tally, step: number): Promise<void> {
  const startedAt = performance.now();
  let saidAt = startedAt;
  const until = startedAt + options.minutes * 60_000;
  const last = options.from + options.seeds * step;
  for (
    let seed = options.from;
    seed < last && performance.now() < until && tally.failed.length < failuresMax;
    seed += step
  ) {
    const outcome = await once(seed, options);
    tally.add(outcome);
    if (outcome.violations.length > 0) {
      say(failureOf(outcome, options.limits));
      say(shrunkOf(await shrink(outcome, options.limits)));
    }
    if (performance.now() - saidAt < progressMs) continue;
    saidAt = performance.now();
    const seconds = (saidAt - startedAt) / 1000;
    say(
      `${Math.round(seconds)} s: seed ${seed}, ${tally.seeds} seeds (${(tally.seeds / seconds).toFixed(1)}/s), ` +
        `${tally.transactions} transactions, ${tally.faultsThatTookEffect()} faults, ${tally.failed.length} failed`,
    );
  }
}

/** Several processes, each with seeds of its own; each says its own table. */
async function inProcesses({ processes, from, seeds }: Options, args: readonly string[]): Promise<number> {
  const share = Number.isFinite(seeds) ? Math.ceil(seeds / processes) : undefined;
  const rest = without(args, ['--processes', '--from', '--seeds']);
  const ends = Array.from({ length: processes }, (_, index) => {
    const own = ['--from', String(from + index * (share ?? 10_000_000)), ...(share ? ['--seeds', String(share)] : [])];
    const child = fork(fileURLToPath(import.meta.url), [...rest, ...own], { stdio: 'inherit' });
    return new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
  });
  return Math.max(...(await Promise.all(ends)));
}

function without(args: readonly string[], flags: readonly string[]): readonly string[] {
  return args.filter((word, index) => !flags.includes(word) && !flags.includes(args[index - 1] ?? ''));
}

async function main(args: readonly string[]): Promise<number> {
  const options = optionsOf(args, Math.floor(Date.now() / 1000) % 1_000_000_000);
  if (options.processes > 1) return inProcesses(options, args);
  say(`seed ${options.from}`);
  const tally = new Tally();
  const startedAt = performance.now();
  const end = tally.watchFailpoints();
  if (options.trace) say(((await run(options.from, { ...options.limits, keepTrace: true })).trace ?? []).join('\n'));
  await simulate(options, tally, 1);
  end();
  say(reportOf(tally, (performance.now() - startedAt) / 1000));
  return tally.failed.length > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
});
