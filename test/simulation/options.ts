/** What `npm run simulate` is asked to do. */
import { availableParallelism } from 'node:os';
import { flagsOf, wholeNumber } from '../helpers/flags.js';
import type { Limits } from './settings.js';
import { type Fault, faults } from './weather.js';

export interface Options {
  readonly from: number;
  /** Infinity: until the time is up. */
  readonly seeds: number;
  readonly minutes: number;
  /** As many as there are cores by default, fewer for a few seeds. */
  readonly processes: number;
  /** Every so many-th seed: what one of several processes runs. */
  readonly step: number;
  readonly limits: Limits;
  readonly trace: boolean;
  /** Says the hash of each seed's trace. */
  readonly hashes: boolean;
  /** Nothing is left out: what is never reached counts as a failure. */
  readonly isWhole: boolean;
}

export const usage = `npm run simulate -- [--seeds N] [--from S] [--minutes M] [--processes P]
  [--coordinators 1..5] [--transactions N] [--without 'fault;fault'] [--plain] [--store sqlite] [--trace] [--hashes]`;

export const help = `Runs coordinators, services and clients under faults that a seed draws, and checks every invariant.

${usage}

  --seeds N          how many (1000, or as many as --minutes has time for)
  --from S           the first one; without it one is taken from the clock, and printed
  --minutes M        stops after so long
  --processes P      at once (one a core, fewer for a few seeds)
  --coordinators N   1 to 5 instead of what a seed draws
  --transactions N   of a seed, instead of what it draws
  --without LIST     faults that there are not: 'request lost;store slow'. Another name is answered with all names
  --plain            no clients of the SDK, no registry
  --store S          memory or sqlite; by default one seed in a thousand has sqlite
  --trace            prints what happened in the first seed
  --hashes           prints the hash of each seed's trace

A seed that fails is told with the command that replays it. Without --coordinators, --transactions, --without, --plain and
--store a run of 3000 seeds or more fails as well when a failpoint, a transition or a kind of fault was never reached.
Status 0 when all is well, 1 when it is not, 2 for wrong flags.
`;

/** Throws with the usage when a flag is wrong. `seed` is where it begins when nobody says. */
export function optionsOf(args: readonly string[], seed: number): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const options = {
    seeds: text,
    from: text,
    minutes: text,
    processes: text,
    step: text,
    coordinators: text,
    transactions: text,
    without: text,
    trace: flag,
    hashes: flag,
    plain: flag,
    store: text,
  } as const;
  const { values } = flagsOf({ args: [...args], options }, usage);
  const minutes = values.minutes === undefined ? undefined : numberOf('minutes', values.minutes);
  const seeds = values.seeds === undefined ? undefined : numberOf('seeds', values.seeds, 0);
  const count = seeds ?? (minutes === undefined ? 1000 : Number.POSITIVE_INFINITY);
  const limits: Limits = {
    ...(values.coordinators !== undefined && {
      coordinators: wholeNumber('--coordinators', values.coordinators, 1, 5),
    }),
    ...(values.transactions !== undefined && { transactions: wholeNumber('--transactions', values.transactions, 1) }),
    without: faultsOf(values.without ?? ''),
    ...(values.plain && { plain: true }),
    ...(values.store !== undefined && { store: storeOf(values.store) }),
  };
  return {
    from: values.from === undefined ? seed : numberOf('from', values.from, 0),
    seeds: count,
    minutes: minutes ?? Number.POSITIVE_INFINITY,
    processes: processesOf(values.processes, count),
    step: numberOf('step', values.step ?? '1'),
    trace: values.trace,
    hashes: values.hashes,
    limits,
    isWhole: Object.keys(limits).length === 1 && limits.without?.size === 0,
  };
}

function storeOf(text: string): 'memory' | 'sqlite' {
  if (text === 'memory' || text === 'sqlite') return text;
  throw new Error(`--store: expected memory or sqlite, got '${text}'\n${usage}`);
}

/** A process costs about as much as so many seeds. */
const seedsPerProcess = 50;

function processesOf(asked: string | undefined, seeds: number): number {
  if (asked !== undefined) return wholeNumber('--processes', asked, 1);
  return Math.max(1, Math.min(availableParallelism(), Math.floor(seeds / seedsPerProcess)));
}

function faultsOf(text: string): ReadonlySet<Fault> {
  const names = text.split(';').flatMap((name) => name.trim() || []);
  const unknown = names.find((name) => !faults.some((fault) => fault === name));
  if (unknown !== undefined) throw new Error(`--without: expected one of ${faults.join(', ')}; got '${unknown}'`);
  return new Set(faults.filter((fault) => names.includes(fault)));
}

function numberOf(name: string, text: string, least = 0.001): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw new Error(`--${name}: expected a number above ${least}, got '${text}'\n${usage}`);
}
