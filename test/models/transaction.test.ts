import test from 'ava';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { allIsWell, isSeen } from './looking.js';
import { type ShapeName, scope } from './scopes.js';
import { transactionModel } from './transaction.js';
import type { Budget } from './world.js';

test.beforeEach((t) => t.timeout(300_000));

/** With the number of states that each has. */
const scopes: readonly (readonly [ShapeName, Partial<Budget>, number])[] = [
  ['a saga step', {}, 800],
  ['a saga step', { failures: 1, people: 1 }, 5100],
  ['a saga step', { crashes: 1 }, 5800],
  ['a saga step', { pauses: 1 }, 5200],
  ['a saga step', { copies: 1 }, 2100],
  ['a saga step', { lostAnswers: 1 }, 3100],
  ['a sequence', { failures: 1 }, 3700],
  ['a sequence', { copies: 1 }, 3300],
  ['a sequence that is stopped', {}, 6400],
  ['a group', {}, 20_500],
  ['a fork', { failures: 1 }, 4800],
  ['a pivot and a message', { failures: 1 }, 1700],
  ['a pivot and a message', { crashes: 1 }, 3800],
  ['an initiator', {}, 16_300],
];

for (const [shape, budget, statesMin] of scopes) {
  const model = transactionModel(scope(shape, budget));
  test.serial(`I1 I2 I4 I5 I6 I7 I8 I10 I11 whatever happens to ${model.name}, it ends whole`, (t) =>
    allIsWell(t, model, statesMin),
  );
}

/** Where each is seen, as what, and in how many steps. */
const planted: readonly (readonly [PlantedBug, ShapeName, Partial<Budget>, RegExp, number])[] = [
  ['forget-unknown-branches-in-rollback', 'a saga step', {}, /^I1 I6 rolled_back, and of a stands forward/, 6],
  ['rollback-while-forward-in-flight', 'a saga step', {}, /^I7 1.compensate is sent while 1.action.1 is on its way/, 4],
  ['undo-in-any-order', 'a sequence', {}, /^I8 a is undone while b, which came after it, is asked/, 12],
  ['reverse-a-decision', 'a saga step', {}, /^I11 illegal 'decided'/, 4],
  ['accept-any-late-outcome', 'a saga step', { copies: 1 }, /^I11 illegal 'branch_done'/, 5],
  ['refused-undo-is-done', 'a saga step', { failures: 1 }, /^I1 I6 rolled_back, and of a stands forward/, 8],
  ['new-branch-after-closing', 'an initiator', {}, /^I11 illegal 'branch_added'/, 3],
  ['fence-lets-late-forwards-in', 'a saga step', {}, /^I1 I6 rolled_back, and of a stands forward/, 9],
];

for (const [bug, shape, budget, what, steps] of planted) {
  test.serial(`without the protection against ${bug} ${shape} goes wrong in ${steps} steps`, (t) =>
    isSeen(t, transactionModel(scope(shape, budget)), what, steps, bug),
  );
}
