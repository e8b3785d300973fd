import type { Evidence } from './evidence.js';
import { branchKey, emptyUndos, type Finding, groupBy, opKey } from './finding.js';

const begins: ReadonlySet<string> = new Set(['started', 'pending', 'done']);
const neverTookPlace: ReadonlySet<string> = new Set(['processing', 'declined', 'void']);

/**
 * I5: at most one effect per (origin, xid, branch, op), and exactly one for each op that the fence says was done. An
 * undo that found nothing to undo has none. What a provider did may not have been told yet: the fence then says that it was
 * begun. A charge that never took place leaves nothing to give back.
 */
export function once({ effects, fence, fenceLater, charges }: Evidence): Finding {
  const rows = groupBy(effects, opKey);
  const done = new Set(fence.filter(({ outcome }) => outcome === 'done').map(opKey));
  const begun = new Set([...fence, ...fenceLater].filter(({ outcome }) => begins.has(outcome)).map(opKey));
  const nothingMoved = new Set(charges.filter(({ status }) => neverTookPlace.has(status)).map(branchKey));
  const empty = emptyUndos(fence);
  const mayBeEmpty = (key: string): boolean => empty.has(key) || nothingMoved.has(key);
  const twice = [...rows].filter(([, found]) => found.length > 1);
  const without = fence.filter(
    (row) => row.outcome === 'done' && !rows.has(opKey(row)) && !(row.phase === 2 && mayBeEmpty(branchKey(row))),
  );
  return {
    invariant: 'I5 once',
    checked: new Set([...rows.keys(), ...done]).size,
    violations: [
      ...twice.map(([key, found]) => `${key}: ${found.length} effects`),
      ...[...rows.keys()].filter((key) => !begun.has(key)).map((key) => `${key}: an effect of an op that was not done`),
      ...without.map((row) => `${opKey(row)}: done, but without an effect`),
    ],
  };
}
