import { kindNames, opOf } from '../../sdk/protocol/kinds.js';
import type { EffectRow, Evidence } from './evidence.js';
import { branchKey, emptyUndos, type Finding, groupBy } from './finding.js';

const opsOf = (phase: 'commit' | 'rollback'): ReadonlySet<string | undefined> =>
  new Set(kindNames.map((kind) => opOf(kind, phase)));
const commitOps = opsOf('commit');
const rollbackOps = opsOf('rollback');

/** I7: no branch is both committed and rolled back; an undo comes after its do, or is recorded as empty. */
export function paired({ effects, fence }: Evidence): Finding {
  const branches = groupBy(effects, branchKey);
  const empty = emptyUndos(fence);
  return {
    invariant: 'I7 paired',
    checked: new Set([...branches.keys(), ...fence.map(branchKey)]).size,
    violations: [
      ...[...branches].flatMap(([key, rows]) => outOfPair(key, rows)),
      ...[...empty]
        .filter((key) => branches.has(key))
        .map((key) => `${key}: its undo found nothing to undo, but there are effects`),
    ],
  };
}

function outOfPair(key: string, rows: readonly EffectRow[]): string[] {
  const ends = rows.filter(({ op }) => commitOps.has(op) || rollbackOps.has(op));
  const first = rows.find((row) => !ends.includes(row));
  const both = ends.some(({ op }) => commitOps.has(op)) && ends.some(({ op }) => rollbackOps.has(op));
  const early = ends.filter(({ id }) => first === undefined || id < first.id);
  return [
    ...(both ? [`${key}: committed and rolled back`] : []),
    ...early.map(({ effect }) => `${key}: ${effect} without anything before it`),
  ];
}
