/**
 * The fence's table as the rules need it, whatever the database. One row a branch and phase: phase 1 is the forward op,
 * phase 2 the commit or rollback op. The rules are in `sdk/participant/fence-rules.ts`; nothing here decides.
 */
import type { Json } from '../../protocol/json.js';
import type { Op } from '../../protocol/kinds.js';
import type { OpenTransaction } from '../database.js';

/** Names a branch in all the world. */
export interface BranchKey {
  readonly origin: string;
  readonly xid: string;
  readonly branch: number;
}

export type FencePhase = 1 | 2;

/**
 * - `done`, `refused`: what was answered, and is answered again; a refused end only to attempts that are not newer.
 * - `empty`: put there, in both phases, by a rollback op that found no forward op, or a refused one.
 * - `started`: work outside of the database may be under way.
 * - `pending`: work outside has begun something and is to be asked again.
 */
export type FenceOutcome = 'done' | 'refused' | 'empty' | 'started' | 'pending';

export interface FenceRow {
  readonly op: Op;
  readonly outcome: FenceOutcome;
  /** Of `done` the output, of `refused` `{reason, code?, attempt?}`, of `started` `{over: true}` once its handler failed. */
  readonly result: Json;
  /** UTC ms: when it was put there; of `started`, when the handler began. */
  readonly at: number;
}

/** A row to be put where none is. */
export interface PlacedRow {
  readonly phase: FencePhase;
  readonly op: Op;
  readonly outcome: FenceOutcome;
  /** Put it only where phase 2 is not there either: a forward op that comes after its end. */
  readonly unlessSettled?: boolean;
}

export interface Place {
  readonly key: BranchKey;
  readonly at: number;
  readonly rows: readonly PlacedRow[];
}

/** The rows of the branch as they were before this visit. Nobody else changes them until it ends. */
export interface Found {
  readonly first: FenceRow | undefined;
  readonly second: FenceRow | undefined;
}

/** What a row becomes: one that was found, or was put there by this visit. */
export interface FenceChange {
  readonly phase: FencePhase;
  readonly outcome: FenceOutcome;
  readonly result: Json;
  readonly at: number;
}

/** How a visit ends. */
export interface FenceEnd<T> {
  readonly answer: T;
  /** Take back what was done through `db`. */
  readonly undo: boolean;
  /** Take away the rows that this visit put there. */
  readonly release: boolean;
  readonly set: readonly FenceChange[];
}

/** Runs with the rows in place. What it throws takes back the work and the rows, and rejects the visit. */
export type Visitor<T> = (found: Found, db: () => OpenTransaction) => FenceEnd<T> | Promise<FenceEnd<T>>;

export interface FenceTable {
  /** Makes the table where it is not there. Rejects when there is another one of that name. */
  prepare(): Promise<void>;
  /**
   * One transaction: puts the rows where none are, tells what is there, lets the visitor work and applies its end.
   * Resolves with the visitor's answer after the commit returned. Rejects with {@link FenceBusy} when nothing was begun
   * because somebody else holds the rows; with anything else when nothing is known.
   */
  visit<T>(place: Place, visitor: Visitor<T>): Promise<T>;
  /** Deletes at most `rowsMax` rows of an origin that are older than `before` (UTC ms), the oldest first. Returns how many. */
  clean(origin: string, before: number, rowsMax: number): Promise<number>;
}

/** Makes a visit, wherever its transaction is. */
export type Visit = <T>(place: Place, visitor: Visitor<T>) => Promise<T>;

/** The rows or the database are held by somebody else: nothing was begun, ask again. */
export class FenceBusy extends Error {
  override readonly name = 'FenceBusy';
}
