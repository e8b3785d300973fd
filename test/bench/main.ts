/** `npm run bench`: the reference work against a coordinator as a user starts it. `--help` says what it takes. */

import { load } from '../load/main.js';
import { askedOf } from './asked.js';
import { countAll } from './counts.js';
import { machine } from './machine.js';
import { help, type Options, readOptions, UsageError } from './options.js';
import { killAll } from './processes.js';
import { reportText } from './report.js';
import { type Round, runRound } from './round.js';
import { rowsOf } from './rows.js';
import { removeFolders } from './stage.js';

async function bench(options: Options): Promise<void> {
  const here = machine(options.dir);
  const rounds: Round[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    rounds.push(await runRound(round, options, (line) => console.error(line)));
  }
  const measured = { rounds, counts: await countAll(options) };
  const rows = rowsOf(rounds, options);
  const asked = askedOf(rows, measured, options);
  const waits = rounds.map((round) => round.waits);
  const whole = { machine: here, options, rows, waits, ...measured.counts, asked };
  console.log(options.json ? JSON.stringify(whole, null, 2) : `\n${reportText(rows, measured, options, here)}`);
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  if (args.includes('--load')) return load(args);
  process.once('exit', () => {
    killAll();
    removeFolders();
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    const options = readOptions(args);
    if (options.help) console.log(help);
    else await bench(options);
    return 0;
  } catch (error) {
    console.error(error instanceof UsageError ? `${error.message}\n\n${help}` : error);
    return error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main();
