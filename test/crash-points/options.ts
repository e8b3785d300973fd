/** What `npm run crash-points` is asked to do. */
import { parseArgs } from 'node:util';
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

/** Throws with the usage when a flag is wrong. */
export function optionsOf(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      pairs: { type: 'boolean', default: false },
      store: text,
      from: text,
      cases: text,
      nth: text,
      offset: text,
      only: text,
      scenario: text,
      strikes: text,
    },
  });
  const { pairs, store = 'memory', only = '' } = values;
  if (store !== 'memory' && store !== 'sqlite')
    throw new Error(`--store: expected memory or sqlite, got '${store}'\n${usage}`);
  return {
    pairs,
    store,
    only,
    from: numberOf('from', values.from, 0),
    cases: numberOf('cases', values.cases, Number.POSITIVE_INFINITY),
    nth: Math.max(1, numberOf('nth', values.nth, 1)),
    offset: numberOf('offset', values.offset, 0),
    one: values.scenario === undefined ? undefined : caseOf(values.scenario, values.strikes ?? ''),
  };
}

function numberOf(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (value >= 0) return value;
  throw new Error(`--${name}: expected a number that is not negative, got '${text}'\n${usage}`);
}

/** Throws when there is no such scenario, or a strike is none. */
export function caseOf(name: string, strikes: string): Case {
  const scenario = scenarios.find((each) => each.name === name);
  if (!scenario) throw new Error(`--scenario: expected the name of a scenario, got '${name}'\n${usage}`);
  const parts = strikes.split(';').map((part) => part.trim());
  return { scenario, strikes: parts.filter(Boolean).map(strikeOf) };
}

const known = new Set(Object.values(fates).flat());

function strikeOf(text: string): Strike {
  const [number, name] = text.split(' ');
  const at = Number(number);
  const fate = [...known].find((each) => each === name);
  if (fate && at > 0) return { at, fate };
  throw new Error(`--strikes: expected '12 stop' with one of ${[...known].join(', ')}, got '${text}'\n${usage}`);
}
