/** What `npm run crash-points` is asked to do. */
import { FlagError, flagsOf, wholeNumber } from '../helpers/flags.js';
import type { Case } from './cases.js';
import { scenarios } from './scenarios.js';
import { fates, type Strike } from './seams.js';

export interface Options {
  /** Every pair of boundaries instead of every boundary. */
  readonly pairs: boolean;
  readonly store: 'memory' | 'sqlite';
  /** Skips the first so many cases, and runs so many. */
  readonly from: number;
  readonly cases: number;
  /** Runs every so many-th, beginning with `offset`. */
  readonly nth: number;
  readonly offset: number;
  /** Only scenarios with this in their name. */
  readonly only: string;
  /** This one alone, told step by step. */
  readonly one: Case | undefined;
}

export const usage = `npm run crash-points -- [--pairs] [--store memory|sqlite] [--from K] [--cases N]
  [--nth N] [--offset K] [--only 'part of a name'] [--scenario 'name' --strikes '12 stop; 30 done-once']`;

export const help = `Stops each scenario at every boundary, lets it recover, and checks every invariant at its end.

${usage}

  --pairs             a second strike at each boundary of the recovery from the first; of fewer scenarios, and for hours
  --store S           memory (by default), or sqlite: a real file, much slower
  --only TEXT         scenarios with this in their name, such as 'tcc 2 row'
  --from K --cases N  leaves out the first K cases, and runs N
  --nth N --offset K  every Nth case, beginning with K: shares for several processes
  --scenario NAME     one case alone, told step by step; a failure prints this command
  --strikes LIST      what befalls it at which boundary, from 1: '12 stop; 30 done-once'. Without it: nothing

Status 0 when every invariant holds, 1 when one does not.
`;

/** Throws FlagError when one is wrong. */
export function optionsOf(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const options = {
    pairs: { type: 'boolean', default: false },
    store: text,
    from: text,
    cases: text,
    nth: text,
    offset: text,
    only: text,
    scenario: text,
    strikes: text,
  } as const;
  const { values } = flagsOf({ args: [...args], options }, usage);
  const { pairs, store = 'memory', only = '' } = values;
  if (store !== 'memory' && store !== 'sqlite')
    throw new FlagError(`--store: expected memory or sqlite, got '${store}'`);
  if (values.strikes !== undefined && values.scenario === undefined)
    throw new FlagError('--strikes: expected --scenario with it, got none');
  if (!scenarios.some(({ name }) => name.includes(only)))
    throw new FlagError(`--only: expected a part of a name such as '${scenarios[0]?.name}', got '${only}'`);
  return {
    pairs,
    store,
    only,
    from: wholeNumber('--from', values.from ?? '0', 0),
    cases: values.cases === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--cases', values.cases, 1),
    nth: wholeNumber('--nth', values.nth ?? '1', 1),
    offset: wholeNumber('--offset', values.offset ?? '0', 0),
    one: values.scenario === undefined ? undefined : caseOf(values.scenario, values.strikes ?? ''),
  };
}

/** Throws when there is no such scenario, or a strike is none. */
export function caseOf(name: string, strikes: string): Case {
  const scenario = scenarios.find((each) => each.name === name);
  if (!scenario) throw new FlagError(`--scenario: expected the name of a scenario, got '${name}'`);
  const parts = strikes.split(';').map((part) => part.trim());
  return { scenario, strikes: parts.filter(Boolean).map(strikeOf) };
}

const known = new Set(Object.values(fates).flat());

function strikeOf(text: string): Strike {
  const [number, name] = text.split(' ');
  const at = Number(number);
  const fate = [...known].find((each) => each === name);
  if (fate && at > 0) return { at, fate };
  throw new FlagError(`--strikes: expected '12 stop' with one of ${[...known].join(', ')}, got '${text}'`);
}
