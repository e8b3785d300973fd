import test from 'ava';
import { type Cell, legality } from '../../coordinator/decide/legality.js';
import { request } from '../decide/requests.js';
import { policy } from './ageing.js';
import { readyDesk } from './desk.js';
import { now } from './fenced.js';
import { allIsWell, isSeen } from './looking.js';
import { scope } from './scopes.js';
import { transactionModel } from './transaction.js';
import type { Budget } from './world.js';

test.beforeEach((t) => t.timeout(300_000));

/** With the number of states that each has. */
const budgets: readonly (readonly [Partial<Budget>, number])[] = [
  [{}, 1400],
  [{ failures: 1 }, 5400],
  [{ crashes: 1 }, 10_300],
  [{ pauses: 1 }, 13_700],
  [{ copies: 1 }, 4400],
];

for (const [budget, statesMin] of budgets) {
  const model = transactionModel(scope('a check-back', budget));
  test.serial(
    `C8 C9 C10 in ${model.name}, what is decided is what the initiator did, and delivered if it did it`,
    (t) => allIsWell(t, model, statesMin),
  );
}

const checkBack = scope('a check-back');

test.serial('a check that says "rolled back" and does not close its marker goes wrong in 6 steps', (t) =>
  isSeen(t, transactionModel({ ...checkBack, desk: { ...readyDesk, closes: false } }), /^I1 rollback .* nothing/, 6),
);

test.serial('a deadline that decides without a check goes wrong', (t) => {
  const open = request({ policy, deadlineAt: now + 1 });
  return isSeen(t, transactionModel({ ...checkBack, open }), /^I1 rollback is decided, and the marker/, 3);
});

test.serial('an answer of the check that is not taken is seen as a transaction that cannot end', (t) => {
  const column = legality.check_answer as Record<string, Cell>;
  const { asking } = column;
  t.teardown(() => {
    column.asking = asking!;
  });
  column.asking = 'stale';
  return isSeen(t, transactionModel(checkBack), /^endless/, 4);
});
