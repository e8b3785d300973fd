#!/usr/bin/env node
/** Kills for as long as one likes: `node dist/test/chaos/main.js --minutes 10 --seed 7`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { storm } from './storm.js';

const help = `Places orders while the coordinator and the services are killed at random moments, then checks every invariant.

  --minutes N      how long (1); one storm of a minute after the other, each with its own shop
  --seed S         draws orders, victims and moments; without it one is drawn and printed
  --verbose        tells each kill
  --histories DIR  keeps the history of each storm there, for check-history; otherwise only of one that went wrong

Status 0 when every invariant holds, 1 when one does not, 2 for wrong flags.
`;

const stormMs = 60_000;

function readFlags(args: readonly string[]) {
  const number = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: number, seed: number, histories: number, verbose: flag, help: flag },
  });
  const positive = (name: 'minutes' | 'seed', usual: number): number => {
    const value = Number(values[name] ?? usual);
    if (Number.isFinite(value) && value > 0) return value;
    throw new Error(`--${name}: expected a number above 0, got ${values[name]}`);
  };
  return {
    minutes: positive('minutes', 1),
    histories: values.histories,
    seed: Math.floor(positive('seed', 1 + (Date.now() % 1_000_000))),
    verbose: values.verbose === true,
    help: values.help === true,
  };
}

/** One storm in a shop of its own, which is closed after it. */
async function once(seed: number, forMs: number, history: string, verbose: boolean): Promise<readonly string[]> {
  const closing: (() => unknown)[] = [];
  const say = (line: string) => {
    if (verbose || line.startsWith('seed')) process.stdout.write(`${line}\n`);
  };
  try {
    const scope = { teardown: (fn: () => unknown) => void closing.unshift(fn) };
    const { kills, orders, wrong } = await storm(scope, { seed, forMs, pauseMs: 100, history, say });
    process.stdout.write(`kills ${JSON.stringify(kills)}, orders ${JSON.stringify(orders)}\n`);
    for (const violation of wrong) process.stdout.write(`BROKEN ${violation}\n`);
    if (wrong.length === 0) process.stdout.write('every invariant holds\n');
    return wrong;
  } finally {
    for (const close of closing) await close();
  }
}

try {
  const { minutes, seed, histories, verbose, help: asked } = readFlags(process.argv.slice(2));
  if (asked) process.stdout.write(help);
  const directory = histories ?? (asked ? '' : await mkdtemp(path.join(tmpdir(), 'concordat-histories-')));
  let leftMs = asked ? 0 : minutes * 60_000;
  for (let round = 0; leftMs > 0; round++, leftMs -= stormMs) {
    const history = path.join(directory, `storm-${seed + round}.jsonl`);
    const wrong = await once(seed + round, Math.min(stormMs, leftMs), history, verbose);
    if (wrong.length > 0) process.exitCode = 1;
    if (wrong.length > 0 || histories) process.stdout.write(`its history: ${history}\n`);
    else await rm(history);
  }
  if (!histories && !process.exitCode && !asked) await rm(directory, { recursive: true, force: true });
} catch (error) {
  process.stderr.write(`chaos: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
