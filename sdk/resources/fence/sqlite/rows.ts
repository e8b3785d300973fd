import { planted } from '#faults';
import type { Json } from '../../../protocol/json.js';
import type { Op } from '../../../protocol/kinds.js';
import type { BranchKey, FenceEnd, FenceOutcome, FencePhase, FenceRow, Found, Place } from '../table.js';
import type { Row } from './driver.js';
import type { StatementName } from './statements.js';

/** Runs a statement with its one JSON text. */
type Run<Name extends StatementName> = (name: Name, json: string) => Promise<readonly Row[]>;

/** What putting the rows of a place came to. */
export interface Placed {
  readonly place: Place;
  readonly found: Found;
  /** Phases whose row was put there now. */
  readonly inserted: readonly FencePhase[];
}

/** No part of a key holds a line break. */
export const keyOf = ({ origin, xid, branch }: BranchKey): string => `${origin}\n${xid}\n${branch}`;

const none: Found = Object.freeze({ first: undefined, second: undefined });

/** Puts the rows of all places and tells what was there before, in their order. */
export async function placeRows(places: readonly Place[], run: Run<'place' | 'read'>): Promise<readonly Placed[]> {
  const items = places.flatMap(({ key, at, rows }) =>
    rows.map(({ phase, op, outcome, unlessSettled }) => [
      ...values(key),
      phase,
      op,
      outcome,
      at,
      unlessSettled ? 1 : 0,
    ]),
  );
  if (planted('fence-inserts-nothing')) return places.map((place) => ({ place, found: none, inserted: [] }));
  const answers = items.length === 0 ? [] : await run('place', JSON.stringify(items));
  const rowsOf = byKey(answers);
  const unsure = places.filter((place) => !tellsAll(place, rowsOf(place.key)));
  const readOf = byKey(
    unsure.length === 0 ? [] : await run('read', JSON.stringify(unsure.map(({ key }) => values(key)))),
  );
  return places.map((place) => {
    const placed = rowsOf(place.key);
    const inserted = placed.map(({ phase }) => phase as FencePhase);
    return { place, inserted, found: foundBy(placed, readOf(place.key), inserted) };
  });
}

/** The row of phase 2 brings what phase 1 held; whatever else was in the way has to be read. */
const tellsAll = ({ rows }: Place, placed: readonly Row[]): boolean =>
  placed.some(({ phase }) => phase === 2) || (placed.length > 0 && placed.length === rows.length);

function foundBy(placed: readonly Row[], read: readonly Row[], inserted: readonly FencePhase[]): Found {
  const before = (phase: FencePhase): FenceRow | undefined => {
    if (inserted.includes(phase)) return undefined;
    const row = read.find((each) => each.phase === phase);
    if (row) return toRow(row.op, row.outcome, row.result, row.at);
    const told = phase === 1 ? placed.find(({ first }) => typeof first === 'string')?.first : undefined;
    return typeof told === 'string' ? toRow(...(JSON.parse(told) as [unknown, unknown, unknown, unknown])) : undefined;
  };
  return { first: before(1), second: before(2) };
}

/** Writes what the ends say. Throws when a row that is to be changed is not there. */
export async function changeRows(visits: readonly Visited[], run: Run<'change'>): Promise<void> {
  const items = visits.flatMap(({ placed, end }) =>
    (end?.set ?? []).map(({ phase, outcome, result, at }) => [
      ...values(placed.place.key),
      phase,
      outcome,
      result === null ? null : JSON.stringify(result),
      at,
    ]),
  );
  if (items.length === 0 || planted('fence-inserts-nothing')) return;
  const changed = await run('change', JSON.stringify(items));
  if (changed.length !== items.length)
    throw new Error(`the fence expected to write ${items.length} rows, wrote ${changed.length}`);
}

/** Takes away the rows of visits that leave nothing, or that had no turn. */
export async function releaseRows(visits: readonly Visited[], run: Run<'release'>): Promise<void> {
  const items = visits.flatMap(({ placed, end }) =>
    end && !end.release ? [] : placed.inserted.map((phase) => [...values(placed.place.key), phase]),
  );
  if (items.length > 0) await run('release', JSON.stringify(items));
}

export interface Visited {
  readonly placed: Placed;
  /** Undefined when its visitor threw or was not called. */
  readonly end: FenceEnd<unknown> | undefined;
}

export const sameRows = (one: Found, other: Found): boolean => JSON.stringify(one) === JSON.stringify(other);

const values = ({ origin, xid, branch }: BranchKey): readonly unknown[] => [origin, xid, branch];

function byKey(rows: readonly Row[]): (key: BranchKey) => readonly Row[] {
  const known = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.origin}\n${row.xid}\n${row.branch}`;
    known.set(key, [...(known.get(key) ?? []), row]);
  }
  return (key) => known.get(keyOf(key)) ?? [];
}

const toRow = (op: unknown, outcome: unknown, result: unknown, at: unknown): FenceRow => ({
  op: op as Op,
  outcome: outcome as FenceOutcome,
  result: typeof result === 'string' ? (JSON.parse(result) as Json) : null,
  at: Number(at),
});
