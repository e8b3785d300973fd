import type { Client } from '../client/client.js';
import type { TransactionStatus } from '../protocol/views.js';
import type { Database } from '../resources/database.js';
import type { CaseTime } from './present.js';

/** The services that a saga calls, as a case has them: their own code on their own database. */
export interface Rehearsed {
  /** Instances of decorated classes, or what `participant(…)` returned: as for `serve` and `embed`. */
  readonly participants: readonly object[];
  /** Other databases that handlers write to, by the names that they have in stories. Looked at, and not written to but for counters of numbers. */
  readonly databases?: Readonly<Record<string, Database>>;
  /**
   * Puts everything back as it was at first. With it the services are made once and used by all cases; without it they are
   * made anew for each. `snapshot(db)` makes one for a database on SQLite or PostgreSQL.
   */
  readonly reset?: () => Promise<unknown>;
  /** Called when these services are not needed any more. */
  readonly close?: () => unknown;
}

/** How a case ended. */
export interface End {
  /** Of the saga's transactions, in the order in which they were opened. */
  readonly statuses: readonly TransactionStatus[];
  /** Whether the last of them was committed. False also when it opened none. */
  readonly committed: boolean;
}

export interface ExploreOptions<Made extends Rehearsed = Rehearsed> {
  /**
   * Makes the services of one case, on databases that are the same each time. Handlers and sagas that let time pass take it
   * from `time`: their own timers run in real time.
   */
  readonly participants: (time: CaseTime) => Promise<Made> | Made;
  /**
   * What holds at the end of every case, whatever went wrong. Throws, or answers a sentence that says what is wrong.
   */
  readonly invariant?: (services: Made, end: End) => unknown;
  /** What holds in between too: asked after each command. As `invariant`. */
  readonly midway?: (services: Made) => unknown;
  /**
   * What another transaction may commit between a step and its undo, such as a payment into the same account. It must be
   * there at the end as if it had been committed before the saga began.
   */
  readonly meanwhile?: (services: Made) => unknown;
  /**
   * What an undo leaves on purpose, and what is different in each run: `payment.audit` is a table, `payment.accounts.fee`
   * a column, by the name of the participant (or of `databases`).
   */
  readonly keeps?: readonly string[];
  /** Real ms after which a handler that does not come back counts as stuck. Default: 5000. */
  readonly stuckMs?: number;
  /** At most so many cases with one trouble, the simplest first; with fewer than there are, none with two. Default: all. */
  readonly casesMax?: number;
  /**
   * At most so many cases with two troubles, the second while the first is being dealt with; none where one trouble shows that
   * something is wrong. Default: 100. With Infinity all
   * that lead somewhere else than a case before: about 400 for a saga of three steps. The report says how many there are.
   */
  readonly pairsMax?: number;
}

/** A saga, run as a user's code would. What it throws when it is rolled back is no failure. */
export type Saga<Made extends Rehearsed = Rehearsed> = (client: Client, services: Made) => Promise<unknown>;

const known = [
  'participants',
  'invariant',
  'midway',
  'meanwhile',
  'keeps',
  'stuckMs',
  'casesMax',
  'pairsMax',
] as const satisfies readonly (keyof ExploreOptions)[];

/** Throws TypeError, naming what was expected. */
export function checkOptions(
  saga: unknown,
  options: Pick<ExploreOptions, 'stuckMs' | 'casesMax' | 'pairsMax'> & { readonly participants?: unknown },
): void {
  if (typeof saga !== 'function')
    throw new TypeError(`explore: expected a saga as a function (client) => Promise, got ${typeof saga}`);
  const stray = Object.keys(options).find((name) => !(known as readonly string[]).includes(name));
  if (stray !== undefined)
    throw new TypeError(`explore: expected one of ${known.join(', ')}, got the option '${stray}'`);
  const { participants, stuckMs = 1, casesMax = 1, pairsMax = 0 } = options;
  if (typeof participants !== 'function')
    throw new TypeError(
      `participants: expected a function that makes { participants: […] } for one case, got ${typeof participants}`,
    );
  if (!(stuckMs > 0)) throw new TypeError(`stuckMs: expected ms above 0, got ${stuckMs}`);
  if (!(casesMax >= 1)) throw new TypeError(`casesMax: expected at least 1, got ${casesMax}`);
  if (!(pairsMax >= 0)) throw new TypeError(`pairsMax: expected at least 0, got ${pairsMax}`);
}
