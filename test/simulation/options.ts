/** What `npm run simulate` is asked to do. */
import { parseArgs } from 'node:util';
import type { Limits } from './settings.js';
import { type Fault, faults } from './weather.js';

export interface Options {
  readonly from: number;
  /** Infinity: until the time is up. */
  readonly seeds: number;
  readonly minutes: number;
  readonly processes: number;
  readonly limits: Limits;
  readonly trace: boolean;
}

export const usage = `npm run simulate -- [--seeds N] [--from S] [--minutes M] [--processes P]
  [--coordinators 1..5] [--transactions N] [--without 'fault;fault'] [--trace]`;

/** Throws with the usage when a flag is wrong. `seed` is where it begins when nobody says. */
export function optionsOf(args: readonly string[], seed: number): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: text,
      from: text,
      minutes: text,
      processes: text,
      coordinators: text,
      transactions: text,
      without: text,
      trace: flag,
    },
  });
  const minutes = values.minutes === undefined ? undefined : numberOf('minutes', values.minutes);
  const seeds = values.seeds === undefined ? undefined : numberOf('seeds', values.seeds);
  const without = (values.without ?? '').split(';').map((name) => name.trim());
  const known = faults.filter((fault) => without.includes(fault));
  return {
    from: values.from === undefined ? seed : numberOf('from', values.from, 0),
    seeds: seeds ?? (minutes === undefined ? 1000 : Number.POSITIVE_INFINITY),
    minutes: minutes ?? Number.POSITIVE_INFINITY,
    processes: numberOf('processes', values.processes ?? '1'),
    trace: values.trace,
    limits: {
      ...(values.coordinators !== undefined && { coordinators: numberOf('coordinators', values.coordinators) }),
      ...(values.transactions !== undefined && { transactions: numberOf('transactions', values.transactions) }),
      without: new Set<Fault>(known),
    },
  };
}

function numberOf(name: string, text: string, least = 0.001): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw new Error(`--${name}: expected a number above ${least}, got '${text}'\n${usage}`);
}
