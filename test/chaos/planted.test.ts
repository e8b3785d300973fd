/** A check that cannot fail is a defect: each protection is taken out, and the audit must see it. */
import test from 'ava';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import * as scenarios from './scenarios.js';
import { Slots } from './slots.js';

const slots = new Slots();

const seen: readonly (readonly [PlantedBug, scenarios.Scenario, RegExp, string])[] = [
  ['answer-before-commit', scenarios.answeredTooEarly, /^I3/, 'A1 I3 killed before the first commit'],
  ['no-sweep', scenarios.killedInFlight, /^I10/, 'A6 I10 killed with a command in flight, sweeping'],
  ['no-adoption-attempt', scenarios.killedInFlight, /^I10/, 'A6 I10 killed with a command in flight, adopting'],
  ['forget-unknown-branches-in-rollback', scenarios.lostTheOnlyAnswer, /^I1 /, 'B2 C6 I1 the only answer is lost'],
  ['undo-in-any-order', scenarios.firstUndoWaits, /^I8/, 'B7 I8 who must undo first is down'],
  ['timeout-is-a-no', scenarios.slowAnswer, /^I1 /, 'C6 I1 an answer comes too late'],
  ['refused-undo-is-done', scenarios.cannotUndo, /^I1 /, 'B5 I1 a participant cannot undo'],
  ['reverse-a-decision', scenarios.rollbackAfterCommit, /^I2/, 'E6 I2 a rollback after the commit'],
  ['new-branch-after-closing', scenarios.branchAfterTheEnd, /^I11/, 'D11 I6 I11 a branch after the end'],
  ['pending-for-ever', scenarios.pendingForEver, /^I10/, 'J6 I10 a participant is pending for ever'],
  ['bad-json-is-done', scenarios.garbage, /^I1 /, 'K1 I1 garbage in place of an answer'],
  ['accept-any-late-outcome', scenarios.contradicts, /^I11/, 'C3 I11 a participant contradicts itself'],
];

for (const [bug, scenario, invariant, title] of seen) {
  test(`${title}: nothing is wrong`, (t) =>
    slots.run(async () => {
      t.deepEqual(await scenario(t, undefined), []);
    }));
  test(`${title}: planted ${bug} is seen`, (t) =>
    slots.run(async () => {
      const violations = await scenario(t, bug);
      t.log(violations);
      t.true(violations.some((violation) => invariant.test(violation)));
    }));
}
