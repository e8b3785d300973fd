import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Addressing, type Variant, variants } from './work.js';

export interface Options {
  readonly rounds: number;
  readonly ms: number;
  readonly warmMs: number;
  /** Of a whole round, before its first point. */
  readonly warmUpMs: number;
  readonly inFlight: readonly number[];
  readonly variants: readonly Variant[];
  readonly to: Addressing;
  readonly dir: string;
  /** The program that is measured. */
  readonly coordinator: string;
  readonly json: boolean;
  readonly help: boolean;
}

export const help = `npm run bench -- [options]

Runs the reference work (a plan of 3 saga steps over loopback HTTP, SQLite with
synchronous=FULL, the client waiting for the result) and prints what it cost.

  --quick            one short round at 1 and 64 in flight
  --rounds N         rounds; each has a fresh store and goes through every point   (3)
  --ms N             length of one measured point                                  (4000)
  --warm-ms N        the same load before it, not measured                         (1000)
  --warm-up-ms N     load on the fresh processes of a round, before its first point    (6000)
  --in-flight LIST   transactions in flight                                        (1,16,64,256)
  --batch            the participant registers itself and takes several commands in one request
  --no-batch         it registers itself and takes each command by itself         (steps name a URL)
  --variants LIST    commit: all steps done; undo: the third refused               (commit,undo)
  --dir PATH         where the stores are made and removed                         (the system's temporary folder)
  --coordinator PATH the cli.js to measure, to compare builds                      (this build's)
  --json             one JSON document on standard output
  --help             this

Ends with 0 unless something failed or a transaction came out wrong. Figures that were asked for are printed
beside the measured ones and decide nothing.`;

export class UsageError extends Error {}

/** Reads the command line; throws {@link UsageError} with what was expected and what came. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parse(args);
  const quick = values.quick ?? false;
  return {
    rounds: count('--rounds', values.rounds ?? (quick ? '1' : '3')),
    ms: count('--ms', values.ms ?? (quick ? '1500' : '4000')),
    warmMs: count('--warm-ms', values['warm-ms'] ?? '1000'),
    warmUpMs: count('--warm-up-ms', values['warm-up-ms'] ?? '6000'),
    inFlight: (values['in-flight'] ?? (quick ? '1,64' : '1,16,64,256')).split(',').map((n) => count('--in-flight', n)),
    to: addressingOf(values.batch),
    variants: (values.variants ?? variants.join(',')).split(',').map(toVariant),
    dir: values.dir ?? tmpdir(),
    coordinator: values.coordinator ?? fileURLToPath(new URL('../../coordinator/cli.js', import.meta.url)),
    json: values.json ?? false,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        quick: flag,
        json: flag,
        help: flag,
        batch: flag,
        rounds: text,
        ms: text,
        'warm-ms': text,
        'warm-up-ms': text,
        'in-flight': text,
        variants: text,
        dir: text,
        coordinator: text,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

const addressingOf = (batch: boolean | undefined): Addressing =>
  batch === undefined ? 'url' : batch ? 'batch' : 'participant';

function count(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${flag}: expected a whole number from 1, got ${text}`);
  return value;
}

function toVariant(text: string): Variant {
  const variant = variants.find((name) => name === text);
  if (variant === undefined) throw new UsageError(`--variants: expected ${variants.join(' or ')}, got ${text}`);
  return variant;
}
