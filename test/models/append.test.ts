import test from 'ava';
import type { Input } from '../../coordinator/decide/inputs.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { request, spec } from '../decide/requests.js';
import { appendModel } from './append.js';
import { allIsWell, isSeen } from './looking.js';

test.beforeEach((t) => t.timeout(300_000));

const open = request();
const add: Input = { type: 'add_branch', spec: spec({ id: 'a', kind: 'tcc' }) };
const commit: Input = { type: 'commit' };
const rollback: Input = { type: 'rollback', reason: 'asked' };

const race = (failures: number, tails: number) =>
  appendModel(`a race, ${failures} failures, ${tails} tails`, [open, commit, rollback], { failures, tails });
const work = (failures: number, tails: number) =>
  appendModel(`a race with work, ${failures} failures, ${tails} tails`, [open, add, commit, rollback], {
    failures,
    tails,
  });

test.serial('I2 I3 I11 of two that append upon one row, one wins', (t) => allIsWell(t, work(0, 0), 5700));
test.serial('I3 I11 whatever is lost of a commit, its append is told right', (t) => allIsWell(t, race(2, 0), 1000));
test.serial('I11 a store that loses its tail gets no gap and no half', (t) => allIsWell(t, race(1, 2), 1));

/** Where each is seen, as what, and in how many steps. */
const planted: readonly (readonly [PlantedBug, number, number, RegExp, number])[] = [
  ['append-without-predecessor-check', 0, 1, /^I11 a gap at row 2/, 7],
  ['answer-before-commit', 0, 0, /^I3 .* was acknowledged and is not there/, 2],
  ['lost-commit-answer-is-a-no', 1, 0, /said to be lost, and is there/, 2],
  ['reverse-a-decision', 0, 0, /^I11 .*'decided' where the transaction is committed/, 6],
  ['new-branch-after-closing', 0, 0, /^I11 .*'branch_added' where/, 6],
];

for (const [bug, failures, tails, what, steps] of planted) {
  test.serial(`without the protection against ${bug} the log goes wrong in ${steps} steps`, (t) =>
    isSeen(t, work(failures, tails), what, steps, bug),
  );
}
