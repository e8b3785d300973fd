import type { Answer } from './transport.js';

/** The only headers that anybody here reads. */
const names = ['content-type', 'content-encoding', 'content-length', 'retry-after', 'location'] as const;
const lengths = new Set<number>(names.map((name) => name.length));

/**
 * Picks them from the header lines of an answer, name and value in turn. One that came twice counts as one with both
 * values, which no reader of ours takes for a good one.
 */
export function headersThatMatter(lines: readonly Buffer[]): Answer['headers'] {
  const found: Record<string, string | undefined> = {};
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const line = lines[i];
    if (!line || !lengths.has(line.length)) continue;
    const name = names.find((wanted) => wanted === line.toString('latin1').toLowerCase());
    const value = lines[i + 1]?.toString('latin1') ?? '';
    if (name) found[name] = found[name] === undefined ? value : `${found[name]}, ${value}`;
  }
  return found;
}
