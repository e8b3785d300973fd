import test from 'ava';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { hunt } from './planted.js';

/** Protections whose absence the simulator must see, within so many seeds. */
const caught: Readonly<Partial<Record<PlantedBug, number>>> = {
  'answer-before-commit': 20,
  'timeout-is-a-no': 20,
  'no-sweep': 20,
  'forget-unknown-branches-in-rollback': 20,
  'rollback-while-forward-in-flight': 60,
  'undo-in-any-order': 60,
  'reverse-a-decision': 60,
  'accept-any-late-outcome': 60,
  'refused-undo-is-done': 100,
  'no-total-deadline': 20,
  'no-adoption-attempt': 40,
  'pending-for-ever': 80,
  'run-expired-commands': 40,
  'ignore-body-on-resubmit': 150,
  'lease-never-ends': 300,
  'new-branch-after-closing': 60,
  'fence-inserts-nothing': 20,
  'fence-answers-before-commit': 20,
};

for (const [bug, seeds] of Object.entries(caught) as [PlantedBug, number][]) {
  test.serial(`without its protection '${bug}' some seed of ${seeds} fails`, async (t) => {
    t.timeout(120_000);
    const found = await hunt(bug, 1, seeds);
    t.truthy(found, `${seeds} seeds ran well with '${bug}'`);
    if (found) t.log(`seed ${found.seed}: ${found.invariant} ${found.what}`);
  });
}
