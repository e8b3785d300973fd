import type { Knex } from 'knex';
import type { Json } from '../sdk/protocol/json.js';
import type { Kind } from '../sdk/protocol/kinds.js';
import type { Effect } from './effects.js';
import type { BranchKey } from './inbox.js';

/** What a piece of work gets: the open transaction of its own database, and what it was asked. */
export interface Task {
  readonly trx: Knex.Transaction;
  readonly branch: BranchKey;
  readonly input: Json;
  /** What the forward op answered; null for the forward op itself. */
  readonly output: Json;
}

/** One op of a handler. It changes its own database only, and says in one effect what it did. */
export type Work = (task: Task) => Promise<{ readonly output: Json; readonly effect: Effect }>;

export interface Handler {
  readonly kind: Kind;
  /** By the kind's own words: `action`, `compensate`, `try` … */
  readonly ops: Readonly<Record<string, Work>>;
}

/** A service as it is written down: its tables, its first rows, what it can do. */
export interface Definition {
  readonly name: string;
  readonly tables: readonly string[];
  /** Writes rows that are not there yet; it runs at each start. */
  readonly seed: (db: Knex) => Promise<void>;
  readonly handlers: Readonly<Record<string, Handler>>;
}
