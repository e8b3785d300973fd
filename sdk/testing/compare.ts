/** Compares what stands in databases at the end of a case with what would stand there without trouble. */
import type { Contents, Row } from './databases.js';

/** What is left out: tables and columns, as `payment.audit` and `payment.accounts.fee`. */
export type Masked = ReadonlySet<string>;

/** By table, as `payment.accounts`: its rows as texts, sorted. */
export type Normal = ReadonlyMap<string, readonly string[]>;

export function normalOf(contents: Contents, masked: Masked): Normal {
  const normal = new Map<string, readonly string[]>();
  for (const [name, content] of contents) {
    for (const [table, rows] of content) {
      const where = `${name}.${table}`;
      if (!masked.has(where)) normal.set(where, rows.map((row) => textOf(row, where, masked)).sort());
    }
  }
  return normal;
}

const textOf = (row: Row, table: string, masked: Masked): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(row).flatMap(([column, value]) =>
        masked.has(`${table}.${column}`) ? [] : [[column, isTime(value) ? '<time>' : value]],
      ),
    ),
  );

const isoTime = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d/;
/** The years 2015 to 2100, in seconds and in ms. */
const isTimeNumber = (value: number): boolean =>
  (value > 1_420_000_000 && value < 4_110_000_000) || (value > 1_420_000_000_000 && value < 4_110_000_000_000);

const isTime = (value: unknown): boolean =>
  typeof value === 'string' ? isoTime.test(value) : typeof value === 'number' && isTimeNumber(value);

/** Columns that are different in two runs of the same: they tell nothing. */
export function noiseOf(one: Contents, other: Contents): readonly string[] {
  const noise = new Set<string>();
  for (const [name, content] of one) {
    for (const [table, rows] of content) {
      const twins = other.get(name)?.get(table) ?? [];
      const columns = new Set([...rows, ...twins].flatMap((row) => Object.keys(row)));
      for (const column of columns)
        if (columnOf(rows, column) !== columnOf(twins, column)) noise.add(`${name}.${table}.${column}`);
    }
  }
  return [...noise];
}

const columnOf = (rows: readonly Row[], column: string): string =>
  JSON.stringify(rows.map((row) => JSON.stringify(row[column]) ?? '').sort());

export interface Difference {
  /** The first that is different. */
  readonly table: string;
  /** In words, the first thing that is different. */
  readonly what: string;
  /** There is more than expected, and all else is as it should be. */
  readonly onlyMore: boolean;
}

/** Undefined when nothing is different. */
export function differenceOf(expected: Normal, got: Normal): Difference | undefined {
  let found: Difference | undefined;
  for (const [table, rows] of got) {
    const wanted = expected.get(table) ?? [];
    if (JSON.stringify(rows) === JSON.stringify(wanted)) continue;
    const missing = without(wanted, rows);
    const extra = without(rows, wanted);
    const what = `${table} should have ${shown(missing)}, and has ${shown(extra)}`;
    found = {
      table: found?.table ?? table,
      what: found?.what ?? what,
      onlyMore: (found?.onlyMore ?? true) && missing.length === 0,
    };
  }
  return found;
}

/** As often as it stands in one list more than in the other. */
function without(rows: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return rows.filter((row) => {
    const at = left.indexOf(row);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

const shownMax = 3;

function shown(rows: readonly string[]): string {
  if (rows.length === 0) return 'nothing else';
  const more = rows.length > shownMax ? ` and ${rows.length - shownMax} more` : '';
  return `${rows.slice(0, shownMax).join(', ')}${more}`;
}
