import { createHash } from 'node:crypto';
import type { Json } from '../../../protocol/json.js';
import {
  type BranchKey,
  FenceBusy,
  type FenceEnd,
  type FencePhase,
  type FenceRow,
  type Found,
  type Place,
} from '../table.js';
import { type Answered, type RawConnection, run, runAll } from './connection.js';
import { isAborted, isConflict, isLockTimeout } from './errors.js';
import { begin, type Isolation, lock, type StatementName } from './statements.js';

/** What putting the rows of a place came to. */
export interface Placed {
  readonly place: Place;
  readonly found: Found;
  /** Phases whose row was put there now. */
  readonly inserted: readonly FencePhase[];
}

/** The transaction was rolled back because of what others do at the same time. */
export class Conflict extends Error {}

export interface PlaceOptions {
  readonly place: Place;
  readonly lockWaitMs: number;
  /** Begin the transaction too: `default` is what the user's database has. */
  readonly begin?: Isolation | 'default';
}

/** Locks the branch, puts its rows and tells what was there before. */
export async function placeRows(raw: RawConnection, options: PlaceOptions): Promise<Placed> {
  const { place, lockWaitMs } = options;
  const { isolation, lockTimeout } = await lockBranch(raw, options, lockWaitMs);
  const items = place.rows.map(({ phase, op, outcome, unlessSettled = false }) => ({
    phase,
    op,
    outcome,
    unless_settled: unlessSettled,
  }));
  const values = [JSON.stringify(items), place.at, lockTimeout];
  const { rows } = await ownStatement(raw, 'place', [...keyValues(place.key), ...values]);
  const told = JSON.parse(String(rows[0]?.told)) as { readonly placed: FencePhase[]; readonly found: StoredRow[] };
  const found = { first: rowAt(told.found, 1), second: rowAt(told.found, 2) };
  const placed = { place, found, inserted: told.placed };
  if (isolation !== 'read committed' && !found.first && !placed.inserted.includes(1)) await assertNoFirst(raw, place);
  return placed;
}

async function lockBranch(
  raw: RawConnection,
  { place, begin: beginning }: PlaceOptions,
  waitMs: number,
): Promise<{ readonly isolation: string; readonly lockTimeout: string }> {
  const locking = lock({ key: lockKeyOf(place.key), waitMs });
  const text = beginning ? `${begin(beginning === 'default' ? undefined : beginning)};\n${locking}` : locking;
  const answers = await own(() => runAll(raw, text));
  const settings = answers.at(-2)?.rows[0];
  return { isolation: String(settings?.isolation), lockTimeout: String(settings?.lock_timeout) };
}

/**
 * Above read committed the snapshot was taken before the lock was had: a phase 1 that another transaction committed in
 * between is not to be seen, but it is in the way.
 */
async function assertNoFirst(raw: RawConnection, { key }: Place): Promise<void> {
  const { rowCount } = await ownStatement(raw, 'probe', keyValues(key));
  if (rowCount !== 1) throw new Conflict('phase 1 came in between');
  await ownStatement(raw, 'release', [...keyValues(key), [1]]);
}

/** Writes what the end says. Throws when a row that is to be changed is not there. */
export async function writeEnd(raw: RawConnection, placed: Placed, end: FenceEnd<unknown>): Promise<void> {
  const key = keyValues(placed.place.key);
  if (end.set.length > 0) {
    const items = end.set.map((change) => ({
      ...change,
      result: change.result === null ? null : JSON.stringify(change.result),
    }));
    const { rowCount } = await ownStatement(raw, 'change', [...key, JSON.stringify(items)]);
    if (rowCount !== items.length)
      throw new Error(`the fence expected to write ${items.length} rows, wrote ${rowCount}`);
  }
  if (end.release) await releaseRows(raw, placed);
}

/** Takes away what the visit put there. */
export async function releaseRows(raw: RawConnection, { place, inserted }: Placed): Promise<void> {
  if (inserted.length > 0) await ownStatement(raw, 'release', [...keyValues(place.key), inserted]);
}

export const sameRows = (one: Found, other: Found): boolean => JSON.stringify(one) === JSON.stringify(other);

const ownStatement = (raw: RawConnection, name: StatementName, values: readonly unknown[]): Promise<Answered> =>
  own(() => run(raw, name, values));

/** Errors of the fence's own statements. */
async function own<T>(statement: () => Promise<T>): Promise<T> {
  try {
    return await statement();
  } catch (error) {
    if (isLockTimeout(error)) throw new FenceBusy('another connection holds the branch', { cause: error });
    if (isConflict(error)) throw new Conflict((error as Error).message, { cause: error });
    throw isAborted(error) ? swallowed(error) : error;
  }
}

/** A handler went on after its database had failed. */
export const swallowed = (cause?: unknown): Error =>
  new Error(
    'tx.db: a statement of the handler failed and the handler went on, but PostgreSQL takes back the whole transaction then; ' +
      'put what may fail into tx.db.transaction(…), which is a savepoint, or let the error through',
    { cause },
  );

const keyValues = ({ origin, xid, branch }: BranchKey): readonly unknown[] => [origin, xid, branch];

/** No part of a key holds a line break. Branches that share a number by chance wait for each other, which does no harm. */
const lockKeyOf = ({ origin, xid, branch }: BranchKey): bigint =>
  createHash('sha256').update(`concordat_fence\n${origin}\n${xid}\n${branch}`).digest().readBigInt64BE();

type StoredRow = Pick<FenceRow, 'op' | 'outcome' | 'at'> & {
  readonly phase: FencePhase;
  readonly result: string | null;
};

function rowAt(rows: readonly StoredRow[], wanted: FencePhase): FenceRow | undefined {
  const row = rows.find(({ phase }) => phase === wanted);
  if (!row) return undefined;
  const { op, outcome, result, at } = row;
  return { op, outcome, result: result === null ? null : (JSON.parse(result) as Json), at };
}
