/** Output for people and for machines. What comes from outside never reaches a terminal with control characters. */
import { cleanText } from '../dispatch/text.js';

const cellMax = 60;
/** The last column pushes none aside: it holds reasons and errors, which are needed whole. */
const lastCellMax = 300;

/** One value on one line, safe to show. */
export const safe = (value: unknown, charactersMax = cellMax): string => {
  if (value === null || value === undefined) return '-';
  return cleanText(typeof value === 'string' ? value : JSON.stringify(value), charactersMax) || '-';
};

/** Columns as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const maxOf = (column: number): number => (column === head.length - 1 ? lastCellMax : cellMax);
  const lines = [head, ...rows.map((row) => row.map((cell, column) => safe(cell, maxOf(column))))];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** JSON for machines: JSON itself leaves the control characters from DEL on as they are, and a terminal may obey them. */
export const json = (value: unknown): string => escaped(JSON.stringify(value, null, 2));

/** The same on one line, for one of many. */
export const jsonLine = (value: unknown): string => escaped(JSON.stringify(value));

const escaped = (text: string): string =>
  text.replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Writes a line to standard output. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
