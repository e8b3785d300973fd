#!/usr/bin/env node
/** Checks a history: `npm run check-history -- FILE`. Status 0 when all is well, 1 when something is wrong, 2 for no history. */
import { parseArgs } from 'node:util';
import { checkFile, HistoryWriter } from './file.js';
import { linesOf } from './report.js';
import { synthesize } from './synthetic.js';

const help = `Checks a history of transactions for the invariants, and counts what isolation its kinds do not give.

npm run check-history -- FILE [--make N] [--kind saga|tcc] [--seed S]

  FILE             a history, one record a line
  --make N         first writes one of N transactions there, to measure with
  --kind KIND      of its branches: saga (by default) or tcc
  --seed S         of its chance (1)

\`npm run chaos -- --histories DIR\` writes histories of real processes that are killed.
Status 0 when all is well, 1 when something is wrong, 2 for no history.
`;

function readFlags() {
  const text = { type: 'string' } as const;
  const options = { make: text, kind: text, seed: text, help: { type: 'boolean' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [path, ...rest] = positionals;
  if (values.help || !path || rest.length > 0) return undefined;
  const kind = values.kind ?? 'saga';
  if (kind !== 'saga' && kind !== 'tcc') throw new Error(`--kind: expected saga or tcc, got ${kind}`);
  const numberOf = (name: 'make' | 'seed', usual: number): number => {
    const value = Number(values[name] ?? usual);
    if (Number.isInteger(value) && value >= 0) return value;
    throw new Error(`--${name}: expected a whole number, got ${values[name]}`);
  };
  return { path, kind, make: numberOf('make', 0), seed: numberOf('seed', 1) } as const;
}

function make(path: string, transactions: number, kind: 'saga' | 'tcc', seed: number): void {
  const writer = new HistoryWriter(path);
  synthesize({ transactions, seed, kind, atOnce: 64 }, (record) => writer.write(record));
  writer.close();
}

try {
  const flags = readFlags();
  if (!flags) process.stdout.write(help);
  else {
    if (flags.make > 0) make(flags.path, flags.make, flags.kind, flags.seed);
    const before = process.cpuUsage();
    const verdict = checkFile(flags.path);
    const { user, system } = process.cpuUsage(before);
    for (const line of linesOf(verdict)) process.stdout.write(`${line}\n`);
    const { maxRSS } = process.resourceUsage();
    process.stdout.write(
      `checked in ${((user + system) / 1_000_000).toFixed(1)} s of CPU, ${Math.round(maxRSS / 1024)} MB\n`,
    );
    if (verdict.violationsTotal > 0) process.exitCode = 1;
  }
} catch (error) {
  process.stderr.write(`check-history: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
