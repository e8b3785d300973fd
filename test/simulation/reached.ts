/** What a run of many seeds must have come by: every named failpoint, and every cell of the machine's table that has a rule. */
import { type Cell, legality } from '../../coordinator/decide/legality.js';
import { armed } from '../../coordinator/faults/armed.js';
import { failpoints, fenceFailpoints } from '../../coordinator/faults/faults.js';

/** Those of the fence are reached in its table, here that of the simulator, at the same places as in the SQL ones. */
export const namedFailpoints: readonly string[] = [...failpoints, ...fenceFailpoints];

/** Legal transitions, `input when phase`. */
export const legalTransitions: readonly string[] = Object.entries(legality).flatMap(([input, column]) =>
  rulesOf(column).map((phase) => nameOf(input, phase)),
);

function rulesOf(column: Readonly<Record<string, Cell>>): readonly string[] {
  return Object.entries(column).flatMap(([phase, cell]) =>
    typeof cell === 'string' && cell !== 'stale' ? [phase] : [],
  );
}

function nameOf(input: string, phase: string): string {
  return `${input} when ${phase}`;
}

export type Counts = Map<string, number>;

export const addTo = (counts: Counts, name: string, by = 1): void =>
  void counts.set(name, (counts.get(name) ?? 0) + by);

/** Counts each failpoint that is reached and each cell of the table that is asked, from here on. Returns what ends that. */
export function watch(points: Counts, transitions: Counts): () => void {
  const before = armed.onReach;
  armed.onReach = (name) => addTo(points, name);
  const ends = Object.entries(legality).map(([input, column]) => watchColumn(input, column, transitions));
  return () => {
    armed.onReach = before;
    for (const end of ends) end();
  };
}

/** The table is plain data that only the machine reads: whoever reads a cell decides by it. */
function watchColumn(input: string, column: Readonly<Record<string, Cell>>, transitions: Counts): () => void {
  const cells = Object.entries(column);
  for (const [phase, cell] of cells) {
    const name = nameOf(input, phase);
    const get = (): Cell => {
      addTo(transitions, name);
      return cell;
    };
    Object.defineProperty(column, phase, { get, configurable: true, enumerable: true });
  }
  return () => {
    for (const [phase, value] of cells)
      Object.defineProperty(column, phase, { value, configurable: true, enumerable: true, writable: true });
  };
}
