/** What is counted while nothing is timed, as counting costs: rows by triggers, statements by SQLite's trace. */
import { noteWrites, readWrites } from './counters.js';
import type { Options } from './options.js';
import { type Counted, counted, drive } from './round.js';
import { type Stage, withStages } from './stage.js';
import { type Mode, opsOf, type Variant } from './work.js';

/** Statements of the service's database. */
export interface Statements {
  /** Of one effect in a transaction of the user's own, without the fence. */
  readonly own: number;
  /** Of one fenced op, on average, by how many transactions were in flight. */
  readonly perOp: Readonly<Partial<Record<Variant, Readonly<Record<number, number>>>>>;
}

export interface Counts {
  /** Rows that a transaction writes to the store. */
  readonly writes: Counted;
  /** By mode, where there is a fence. */
  readonly statements: Readonly<Partial<Record<Mode, Statements>>>;
}

const flying = [1, 64] as const;

export const countAll = (options: Options): Promise<Counts> =>
  withStages(options.modes, options, async (stages) => {
    const statements: Partial<Record<Mode, Statements>> = {};
    for (const stage of stages) {
      await noteWrites(stage.store);
      const found = await countOne(stage, options);
      if (found) statements[stage.mode] = found;
    }
    return { writes: await counted(stages, options, readWrites), statements };
  });

async function countOne(stage: Stage, { variants, ms }: Options): Promise<Statements | undefined> {
  const { host } = stage;
  const perOp: Partial<Record<Variant, Record<number, number>>> = {};
  const own = await host?.ask<number>('trace');
  await stage.tally();
  for (const variant of variants) {
    const found: Record<number, number> = {};
    for (const inFlight of flying) {
      const count = await drive(stage, {
        variant,
        inFlight,
        ms: Math.min(500, ms),
        prefix: `${variant}-${inFlight}-c`,
      });
      if (host) found[inFlight] = (await host.ask<number>('statements')) / (count * opsOf[variant]);
    }
    perOp[variant] = found;
  }
  return own === undefined ? undefined : { own, perOp };
}
