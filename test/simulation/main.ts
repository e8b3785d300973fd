/** `npm run simulate`: runs seeds until they are done or the time is up. Status 1 when one fails, or something was never reached. */
import { help, type Options, optionsOf } from './options.js';
import { inProcesses, tellParent } from './processes.js';
import { neverReached, progressOf, reportOf } from './report.js';
import { run } from './run.js';
import { runSeeds, sayWhatEscapes } from './seeds.js';
import { Tally } from './tally.js';

const progressMs = 10_000;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const startedAt = performance.now();
const seconds = (): number => (performance.now() - startedAt) / 1000;

let saidAt = startedAt;
function sayProgress(tally: Tally): void {
  if (performance.now() - saidAt < progressMs) return;
  saidAt = performance.now();
  say(progressOf(tally, seconds()));
}

/** In this process. */
async function alone(options: Options, onBeat: (tally: Tally) => void): Promise<Tally> {
  const tally = new Tally();
  const end = tally.watch();
  sayWhatEscapes(options.limits, tally, options, say);
  await runSeeds(options, tally, say, () => onBeat(tally));
  end();
  return tally;
}

/** One of several processes: it tells what it came to, and the first one judges. */
async function asShare(options: Options): Promise<number> {
  const orphaned = () => process.exit(1);
  process.once('disconnect', orphaned);
  await tellParent(await alone(options, (tally) => void tellParent(tally, false)), true);
  process.off('disconnect', orphaned);
  process.disconnect();
  return 0;
}

async function asFirst(options: Options, args: readonly string[]): Promise<number> {
  say(`seed ${options.from}`);
  if (options.trace) say(((await run(options.from, { ...options.limits, keepTrace: true })).trace ?? []).join('\n'));
  const { tally, broken } =
    options.processes > 1
      ? await inProcesses(options, args, say, sayProgress)
      : { tally: await alone(options, sayProgress), broken: 0 };
  say(reportOf(tally, seconds()));
  const missing = options.isWhole ? neverReached(tally) : [];
  for (const what of missing) say(`FAILED: ${what}`);
  if (broken > 0) say(`FAILED: ${broken} of ${options.processes} processes broke off`);
  if (tally.failed.length > 0) say(`FAILED: ${tally.failed.length} seeds break an invariant`);
  return tally.failed.length + broken + missing.length > 0 ? 1 : 0;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  const options = optionsOf(args, Math.floor(Date.now() / 1000) % 1_000_000_000);
  return options.step > 1 ? asShare(options) : asFirst(options, args);
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
});
