/** What is looked at in a database, whatever kind it is of. */
import type { Database } from '../resources/database.js';

export type Row = Readonly<Record<string, unknown>>;
/** By table. */
export type Content = ReadonlyMap<string, readonly Row[]>;

/** The tables are the user's own: not those of the database, nor of the fence. */
export interface Dialect {
  contentOf(db: Database): Promise<Content>;
  /** Columns of the primary key, by table. */
  keysOf(db: Database): Promise<ReadonlyMap<string, readonly string[]>>;
  /**
   * Sets the counters of numbers to what follows from the rows, where a transaction that is rolled back does not: else a row
   * has another number only because it was inserted at the second attempt.
   */
  levelCounters?(db: Database): Promise<void>;
  /** Keeps what stands in the tables, and returns what puts it back. */
  snapshot(db: Database): Promise<() => Promise<void>>;
}

export const isOurs = (table: string): boolean => table.startsWith('concordat_');
