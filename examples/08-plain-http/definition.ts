import type { Knex } from 'knex';
import type { Json } from './answers.js';
import type { Op } from './inbox.js';

/** What a piece of work gets: the open transaction of its own database, and what it was asked. */
export interface Task {
  readonly trx: Knex.Transaction;
  readonly input: Json;
  /** What the forward op answered; null for the forward op itself. */
  readonly output: Json;
}

/** One op of a handler. It changes its own database only, and says in a word what it did. */
export type Work = (task: Task) => Promise<{ readonly output: Json; readonly effect: string }>;

/** A service as it is written down: its tables, its first rows, what it can do. */
export interface Definition {
  readonly name: string;
  readonly tables: readonly string[];
  /** Statements that write rows that are not there yet; they run at each start. */
  readonly firstRows: readonly string[];
  readonly handlers: Readonly<Record<string, Readonly<Partial<Record<Op, Work>>>>>;
}
