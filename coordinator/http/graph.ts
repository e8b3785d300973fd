/** The order of a plan's steps: by index, from `after`, which names ids. */
import type { InputError } from '../../sdk/protocol/errors.js';
import { limits } from '../../sdk/protocol/limits.js';
import type { StepBody } from '../../sdk/protocol/schemas.js';
import { findingsMax, shown } from './check.js';

export interface Graph {
  /** Index of a step by its id. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** Indexes of the steps that come right before each. */
  readonly after: readonly (readonly number[])[];
  /** Whether the step at index `earlier` comes before the one at `later`, transitively. */
  comesBefore(earlier: number, later: number): boolean;
}

/** Reads the order of steps; undefined when there is none, and then the findings say why. */
export function graphOf(steps: readonly StepBody[], findings: InputError[]): Graph | undefined {
  const links = steps.reduce((sum, { after }) => sum + (after?.length ?? 1), 0);
  if (links > limits.linksMax) {
    const message = `expected at most ${limits.linksMax} entries of after in all, got ${links}`;
    findings.push({ pointer: '/steps', message });
    return undefined;
  }
  const indexOf = indexes(steps, findings);
  const after = steps.map((step, index) => afterOf(step, index, indexOf, findings));
  if (findings.length > 0) return undefined;
  const explicit = steps.some((step) => step.after !== undefined);
  // Every step after the one before: sorted already, and its order is that of the indexes.
  if (!explicit) return { indexOf, after, comesBefore: (earlier, later) => earlier < later };
  const sorted = sortedByOrder(after);
  if (sorted.length < steps.length) {
    cycleFindings(steps, after, sorted, findings);
    return undefined;
  }
  return { indexOf, after, comesBefore: reachability(after, sorted) };
}

function indexes(steps: readonly StepBody[], findings: InputError[]): ReadonlyMap<string, number> {
  const indexOf = new Map<string, number>();
  steps.forEach(({ id }, index) => {
    const first = indexOf.get(id);
    if (first === undefined) indexOf.set(id, index);
    else if (findings.length < findingsMax) {
      findings.push({
        pointer: `/steps/${index}/id`,
        message: `expected an id of its own, got that of step ${first}, ${shown(id)}`,
      });
    }
  });
  return indexOf;
}

function afterOf(
  { id, after }: StepBody,
  index: number,
  indexOf: ReadonlyMap<string, number>,
  findings: InputError[],
): readonly number[] {
  if (after === undefined) return index === 0 ? [] : [index - 1];
  const found = new Set<number>();
  after.forEach((name, place) => {
    const earlier = indexOf.get(name);
    if (earlier !== undefined && name !== id) found.add(earlier);
    else if (findings.length < findingsMax) {
      const got = name === id ? 'its own' : shown(name);
      findings.push({
        pointer: `/steps/${index}/after/${place}`,
        message: `expected the id of another step, got ${got}`,
      });
    }
  });
  return [...found];
}

/** Indexes so that each comes after all that it comes after; those in and behind a cycle are left out. */
function sortedByOrder(after: readonly (readonly number[])[]): readonly number[] {
  const missing = after.map((earlier) => earlier.length);
  const next = nextOf(after);
  const sorted = missing.flatMap((count, index) => (count === 0 ? [index] : []));
  for (let place = 0; place < sorted.length; place++) {
    for (const later of next[sorted[place] ?? 0] ?? []) {
      missing[later] = (missing[later] ?? 0) - 1;
      if (missing[later] === 0) sorted.push(later);
    }
  }
  return sorted;
}

function nextOf(after: readonly (readonly number[])[]): readonly number[][] {
  const next: number[][] = after.map(() => []);
  after.forEach((earlier, index) => {
    for (const each of earlier) next[each]?.push(index);
  });
  return next;
}

/** Names one cycle: from any step that could not be sorted, going back always ends in one. */
function cycleFindings(
  steps: readonly StepBody[],
  after: readonly (readonly number[])[],
  sorted: readonly number[],
  findings: InputError[],
): void {
  const isSorted = new Set(sorted);
  const path: number[] = [];
  const placeOf = new Map<number, number>();
  let at = after.findIndex((_, index) => !isSorted.has(index));
  while (at >= 0 && !placeOf.has(at)) {
    placeOf.set(at, path.length);
    path.push(at);
    at = after[at]?.find((earlier) => !isSorted.has(earlier)) ?? -1;
  }
  const cycle = path.slice(placeOf.get(at) ?? 0);
  const names = cycle.slice(0, 10).map((index) => steps[index]?.id);
  const shownNames = cycle.length > 10 ? `${names.join(', ')} and ${cycle.length - 10} more` : names.join(', ');
  findings.push({
    pointer: `/steps/${cycle[0] ?? 0}/after`,
    message: `expected an order without a cycle, got one of ${shownNames}`,
  });
}

/** Which steps come before which, as one row of bits a step. */
function reachability(after: readonly (readonly number[])[], sorted: readonly number[]): Graph['comesBefore'] {
  let rows: Uint32Array | undefined;
  const width = (after.length + 31) >>> 5;
  const fill = (): Uint32Array => {
    const bits = new Uint32Array(after.length * width);
    for (const index of sorted) {
      const own = index * width;
      for (const earlier of after[index] ?? []) {
        for (let word = 0; word < width; word++)
          bits[own + word] = (bits[own + word] ?? 0) | (bits[earlier * width + word] ?? 0);
        bits[own + (earlier >>> 5)] = (bits[own + (earlier >>> 5)] ?? 0) | (1 << (earlier & 31));
      }
    }
    return bits;
  };
  return (earlier, later) => {
    rows ??= fill();
    return ((rows[later * width + (earlier >>> 5)] ?? 0) & (1 << (earlier & 31))) !== 0;
  };
}
