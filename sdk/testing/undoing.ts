/** Whether an undo takes back what its forward op did, read from what both did to the databases when nothing went wrong. */
import type { Masked } from './compare.js';
import { type Contents, changedTables, type Row } from './databases.js';
import type { Effect } from './rehearsal.js';

/** In words, what an undo leaves. */
export interface Leftover {
  readonly kind: 'undo missing' | 'undo incomplete';
  readonly what: string;
}

/** Columns of primary keys, by table. */
export type Keys = ReadonlyMap<string, readonly string[]>;

/**
 * An undo that changes nothing though there was something; one that leaves a table as the forward op left it; one that
 * moves a number back, but not to where it was; one that changes a row and leaves a number in it.
 */
export function leftoverOf(forward: Effect, undo: Effect, masked: Masked, keys: Keys): Leftover | undefined {
  const done = changedTables(forward.before, forward.after).filter((table) => !masked.has(table));
  if (done.length === 0) return undefined;
  const undone = changedTables(undo.before, undo.after);
  if (!done.some((table) => undone.includes(table)))
    return { kind: 'undo missing', what: `it takes back nothing of what was written to ${done.join(' and ')}` };
  const left = done.find((table) => !undone.includes(table));
  if (left !== undefined) return { kind: 'undo incomplete', what: `it leaves ${left} as it is, to which was written` };
  for (const table of done) {
    const what = numberLeft(table, forward, undo, masked, keys.get(table) ?? []);
    if (what !== undefined) return { kind: 'undo incomplete', what };
  }
  return undefined;
}

function numberLeft(
  table: string,
  forward: Effect,
  undo: Effect,
  masked: Masked,
  key: readonly string[],
): string | undefined {
  if (key.length === 0) return undefined;
  const rowOf = (contents: Contents, id: string): Row | undefined =>
    rowsOf(contents, table).find((row) => idOf(row, key) === id);
  for (const before of rowsOf(forward.before, table)) {
    const id = idOf(before, key);
    const [after, then, end] = [rowOf(forward.after, id), rowOf(undo.before, id), rowOf(undo.after, id)];
    if (!after || !then || !end) continue;
    for (const column of Object.keys(before)) {
      if (masked.has(`${table}.${column}`)) continue;
      const by = minus(after[column], before[column]);
      const back = minus(end[column], then[column]);
      // Both ways alike is a counter, such as a version.
      if (by === undefined || back === undefined || by === 0 || by * back > 0 || Math.abs(by + back) < 1e-9) continue;
      if (back === 0) {
        if (JSON.stringify(then) === JSON.stringify(end)) continue;
        return `it leaves ${table}.${column} as it is, which was moved by ${signed(by)} (${describe(before, key)})`;
      }
      return `it moves ${table}.${column} by ${signed(back)} where it was moved by ${signed(by)} (${describe(before, key)})`;
    }
  }
  return undefined;
}

const rowsOf = (contents: Contents, table: string): readonly Row[] => {
  const dot = table.indexOf('.');
  return contents.get(table.slice(0, dot))?.get(table.slice(dot + 1)) ?? [];
};

const idOf = (row: Row, key: readonly string[]): string => JSON.stringify(key.map((column) => row[column]));

const describe = (row: Row, key: readonly string[]): string =>
  key.map((column) => `${column} ${JSON.stringify(row[column])}`).join(', ');

const minus = (a: unknown, b: unknown): number | undefined =>
  typeof a === 'number' && typeof b === 'number' ? a - b : undefined;

const signed = (value: number): string => (value > 0 ? `+${value}` : String(value));
