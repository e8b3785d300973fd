import { differenceOf, type Masked, normalOf } from './compare.js';
import { changedTables } from './databases.js';
import type { Finding } from './finding.js';
import type { Rehearsal } from './rehearsal.js';
import { nameOf, stepPhase } from './schedule.js';

/** What others committed in between is to be there as if they had committed it before. The one who changed what is different. */
export function findingOfOthers(before: Rehearsal, between: Rehearsal, masked: Masked): Finding | undefined {
  const difference = differenceOf(normalOf(before.contents, masked), normalOf(between.contents, masked));
  if (!difference) return undefined;
  const blamed = [...between.effects.values()].find(({ step, before: had, after }) => {
    const changed = changedTables(had, after);
    return stepPhase(step) !== 'forward' && changed.includes(difference.table);
  });
  return {
    kind: 'overwrites others',
    where: nameOf(blamed?.step),
    what: `it overwrites what another transaction committed in between: ${difference.what}`,
  };
}
