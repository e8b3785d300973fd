import test from 'ava';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { hunt } from './hunt.js';
import { scenarios } from './scenarios.js';
import { strikesText } from './tally.js';

/** Protections whose absence some crash point must show. */
const caught = [
  'answer-before-commit',
  'timeout-is-a-no',
  'no-sweep',
  'no-adoption-attempt',
  'no-total-deadline',
  'lost-commit-answer-is-a-no',
  'forget-unknown-branches-in-rollback',
  'undo-in-any-order',
  'refused-undo-is-done',
  'accept-any-late-outcome',
  'ignore-body-on-resubmit',
  'fence-inserts-nothing',
  'fence-answers-before-commit',
] as const satisfies readonly PlantedBug[];

const small = scenarios.filter(({ steps }) => steps.length <= 2);

for (const bug of caught) {
  test.serial(`without its protection '${bug}' some crash point fails`, async (t) => {
    t.timeout(300_000);
    const found = await hunt(bug, small, 37);
    t.truthy(found, `every crash point ended well with '${bug}'`);
    if (found)
      t.log(
        `case ${found.cases}, '${found.one.scenario.name}' struck at ${strikesText(found.one) || 'no boundary'}: ${found.violations[0]}`,
      );
  });
}
