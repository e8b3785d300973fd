import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Mode, modes, type Variant, variants } from './work.js';

const storeKinds = ['sqlite', 'postgres'] as const;
export type StoreKind = (typeof storeKinds)[number];

export interface Options {
  readonly rounds: number;
  readonly ms: number;
  readonly warmMs: number;
  /** Of a mode in a whole round, before its first point. */
  readonly warmUpMs: number;
  readonly inFlight: readonly number[];
  readonly variants: readonly Variant[];
  /** In one run they take turns at every point. */
  readonly modes: readonly Mode[];
  readonly dir: string;
  /** What the coordinator keeps its transactions in. */
  readonly store: StoreKind;
  /** The program that is measured. */
  readonly coordinator: string;
  readonly json: boolean;
  readonly help: boolean;
}

export const help = `npm run bench -- [modes] [options]

Runs the reference work (3 saga steps, every commit on the disk, the client
waiting for the result) and prints what it cost. Several modes take turns at
every point, so that what else the machine does disturbs them alike.

  --url              a plan; a bare service over loopback HTTP, whose steps name a URL (when no mode is given)
  --no-batch         a plan; it registers itself and takes each command by itself
  --batch            a plan; it registers itself and takes several commands in one request
  --sdk              a plan; a service on the SDK, its fence and its effects in SQLite (synchronous=FULL)
  --remote           client.run with three remote calls, the same service
  --embed            a plan; coordinator, handlers and callers in one process, no fence
  --compare          --no-batch and --batch
  --all              all of them

  --load             what it bears instead: overload, many open ones, a full store, watchers, a long run; see --load --help

  --quick            one short round at 1 and 64 in flight
  --rounds N         rounds; each has fresh stores and goes through every point    (3)
  --ms N             length of one measured point                                  (4000; several modes 1500)
  --warm-ms N        the same load before it, not measured                         (1000; several modes 500)
  --warm-up-ms N     load on the fresh processes of a mode, before a round         (6000; several modes 4000)
  --in-flight LIST   transactions in flight                                        (1,16,64,256; several modes 1,64)
  --variants LIST    commit: all steps done; undo: the third refused               (commit,undo)
  --store KIND       sqlite or postgres: a private server, started and removed                (sqlite)
  --dir PATH         where the stores are made and removed                         (the system's temporary folder)
  --coordinator PATH the cli.js to measure, to compare builds                      (this build's)
  --json             one JSON document on standard output
  --help             this

Ends with 0 unless something failed or a transaction came out wrong. Figures that were asked for are printed
beside the measured ones and decide nothing.`;

export class UsageError extends Error {}

/** Reads the command line; throws {@link UsageError} with what was expected and what came. */
export function readOptions(args: readonly string[]): Options {
  const values = parse(args);
  const chosen = modesOf(values);
  const quick = values.quick ?? false;
  const defaults = defaultsOf(quick, chosen.length > 1);
  return {
    rounds: count('--rounds', values.rounds ?? (quick ? '1' : '3')),
    ms: count('--ms', values.ms ?? defaults.ms),
    warmMs: count('--warm-ms', values['warm-ms'] ?? defaults.warmMs),
    warmUpMs: count('--warm-up-ms', values['warm-up-ms'] ?? defaults.warmUpMs),
    inFlight: (values['in-flight'] ?? defaults.inFlight).split(',').map((n) => count('--in-flight', n)),
    modes: chosen,
    variants: (values.variants ?? variants.join(',')).split(',').map(toVariant),
    dir: values.dir ?? tmpdir(),
    store: toStoreKind(values.store ?? 'sqlite'),
    coordinator: values.coordinator ?? fileURLToPath(new URL('../../coordinator/cli.js', import.meta.url)),
    json: values.json ?? false,
    help: values.help ?? false,
  };
}

function defaultsOf(quick: boolean, several: boolean) {
  if (several) return { ms: '1500', warmMs: '500', warmUpMs: '4000', inFlight: '1,64' };
  if (quick) return { ms: '1500', warmMs: '1000', warmUpMs: '6000', inFlight: '1,64' };
  return { ms: '4000', warmMs: '1000', warmUpMs: '6000', inFlight: '1,16,64,256' };
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

const flags = {
  url: flag,
  'no-batch': flag,
  batch: flag,
  sdk: flag,
  remote: flag,
  embed: flag,
  compare: flag,
  all: flag,
  quick: flag,
  json: flag,
  help: flag,
  rounds: text,
  ms: text,
  'warm-ms': text,
  'warm-up-ms': text,
  'in-flight': text,
  variants: text,
  dir: text,
  store: text,
  coordinator: text,
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** In the order of {@link modes}; a plan whose steps name a URL when none was asked for. */
function modesOf(values: Readonly<Record<string, string | boolean | undefined>>): readonly Mode[] {
  const isAsked = (mode: Mode): boolean => {
    if (values.all) return true;
    if (mode === 'participant') return Boolean(values['no-batch'] ?? values.compare);
    return Boolean(values[mode] ?? (mode === 'batch' && values.compare));
  };
  const asked = modes.filter(isAsked);
  return asked.length === 0 ? ['url'] : asked;
}

function count(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${flag}: expected a whole number from 1, got ${text}`);
  return value;
}

function toStoreKind(text: string): StoreKind {
  const kind = storeKinds.find((name) => name === text);
  if (kind === undefined) throw new UsageError(`--store: expected ${storeKinds.join(' or ')}, got ${text}`);
  return kind;
}

function toVariant(text: string): Variant {
  const variant = variants.find((name) => name === text);
  if (variant === undefined) throw new UsageError(`--variants: expected ${variants.join(' or ')}, got ${text}`);
  return variant;
}
