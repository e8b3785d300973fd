import test from 'ava';
import type { Outcome } from '../../sdk/protocol/outcomes.js';
import { inAWord, type Machine } from './machine.js';
import { initiated, planned } from './requests.js';

const done: Outcome = { kind: 'done', output: 1 };
const refused: Outcome = { kind: 'refused', reason: 'no' };
const unknown: Outcome = { kind: 'unknown', error: 'timeout' };

const late = (
  machine: Machine,
  op: 'action' | 'compensate' | 'try' | 'confirm' | 'cancel',
  outcome: Outcome,
  branch = 1,
) => inAWord(machine.put({ type: 'outcome', branch, op, attempt: 'late', outcome }));

test('a branch that answered pending is asked again later, under a new number', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.pending(1, 400);
  t.deepEqual(machine.commands(), ['1.action.2']);
  t.is(machine.outstandingOf(1).work.dueAt, machine.now + 400);
});

test('the late outcome of a branch that answered pending is taken', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }]);
  machine.pending(1);
  t.is(late(machine, 'action', done), 'append');
  t.deepEqual(machine.commands(), ['2.action.1']);
});

test('J6 endless pending ends: a forward op is given up on, an undo parks', (t) => {
  const machine = planned([{ id: 'a' }]);
  const given = keepPending(machine);
  t.is(machine.status, 'rolling_back');
  t.true(given >= 3000);
  t.regex(machine.current.reason!, /still pending after \d+ ms/);
  keepPending(machine);
  t.is(machine.phase, 'parked_rollback');
});

/** Answers pending until the machine stops asking; how long that took. */
function keepPending(machine: Machine): number {
  const from = machine.now;
  const { op } = machine.outstandingOf(1).work;
  while (machine.commands().some((key) => key.startsWith(`1.${op}.`))) {
    machine.untilDue(1);
    machine.pending(1, 500);
  }
  return machine.now - from;
}

test('J6 the limit counts from the first pending, also when other answers come between', (t) => {
  const machine = planned([{ id: 'a', kind: 'tcc' }]);
  machine.done(1);
  machine.pending(1);
  const since = machine.now;
  machine.now += 2000;
  machine.unknown(1);
  machine.now = since + 3000;
  machine.pending(1);
  t.is(machine.phase, 'parked_commit');
});

test('C3 an old attempt with a certain outcome is taken, without one it is stale', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.unknown(1);
  machine.untilDue(1);
  const old = { type: 'outcome', branch: 1, op: 'action', attempt: 1 } as const;
  t.is(machine.put({ ...old, outcome: unknown }).kind, 'stale');
  t.is(machine.put({ ...old, outcome: { kind: 'pending', retryAfterMs: 1 } }).kind, 'stale');
  t.is(machine.put({ ...old, attempt: 3, outcome: unknown }).kind, 'stale', 'nobody asked a third time yet');
  machine.put({ ...old, outcome: done });
  t.is(machine.status, 'committed');
});

test('C2 I12 an outcome that is repeated is the same and writes nothing', (t) => {
  const machine = initiated(['a', 'b']);
  machine.done(1);
  t.is(late(machine, 'action', done), 'same');
  machine.refused(2);
  t.is(late(machine, 'action', refused, 2), 'same');
  t.is(machine.rows.length, 5);
});

test('C3 an outcome that contradicts the recorded one is an alarm', (t) => {
  const machine = initiated(['a', 'b']);
  machine.done(1);
  machine.refused(2);
  t.is(late(machine, 'action', refused), 'outcome_contradicts');
  t.is(late(machine, 'action', done, 2), 'outcome_contradicts');
});

test('D5 so does one for an op that was never asked, and the other end of a finished branch', (t) => {
  const machine = initiated([{ id: 'a', kind: 'tcc' }]);
  machine.done(1);
  machine.commit();
  machine.done(1);
  t.is(late(machine, 'confirm', done), 'same');
  t.is(late(machine, 'confirm', refused), 'outcome_contradicts');
  t.is(late(machine, 'cancel', done), 'stale');
  const waiting = planned([{ id: 'a' }, { id: 'b' }]);
  t.is(late(waiting, 'action', done, 2), 'outcome_contradicts', 'it was never asked');
});

test('an undo that was answered is held against later answers', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }]);
  machine.done(1);
  machine.refused(2);
  machine.done(1);
  t.is(late(machine, 'compensate', done), 'same');
  t.is(late(machine, 'compensate', refused), 'outcome_contradicts');
  t.is(late(machine, 'compensate', unknown), 'stale');
});

test('a late outcome for a branch or an op that is not there', (t) => {
  const machine = planned([{ id: 'a' }]);
  t.is(late(machine, 'action', done, 9), 'branch_not_found');
  t.is(late(machine, 'try', done), 'stale');
  machine.done(1);
  t.is(late(machine, 'action', done, 9), 'branch_not_found');
});

test('a parked undo that was done after all is done', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }]);
  machine.done(1);
  machine.refused(2);
  machine.refused(1);
  t.is(machine.status, 'parked');
  t.is(late(machine, 'compensate', refused), 'stale');
  t.is(late(machine, 'compensate', done), 'append');
  t.is(machine.status, 'rolled_back');
});

test('a late "done" of a branch that is being undone in doubt changes nothing', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.unknown(1);
  machine.rollback();
  t.is(late(machine, 'action', done), 'stale');
  t.deepEqual(machine.commands(), ['1.compensate.1']);
});

test('K1 an outcome that cannot be stored parks its branch and nobody else', (t) => {
  const machine = planned([
    { id: 'a', after: [] },
    { id: 'b', after: [] },
  ]);
  machine.put({ type: 'unstorable', branch: 1, op: 'action', error: 'a NUL' });
  t.deepEqual(machine.stages(), ['parked', 'asked']);
  t.is(machine.status, 'active');
  machine.done(2);
  t.is(machine.phase, 'parked_undecided');
  t.is(machine.put({ type: 'unstorable', branch: 1, op: 'action', error: 'again' }).kind, 'stale');
  machine.resolve(1, 'done');
  t.is(machine.status, 'resolved');
});

test('K1 one that is to be undone anyway is undone', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.rollback();
  machine.put({ type: 'unstorable', branch: 1, op: 'action', error: 'too large' });
  t.deepEqual(machine.commands(), ['1.compensate.1']);
  machine.put({ type: 'unstorable', branch: 1, op: 'compensate', error: 'too large' });
  t.is(machine.phase, 'parked_rollback');
  t.is(machine.put({ type: 'unstorable', branch: 9, op: 'action', error: 'x' }).kind, 'stale');
});

test('C11 a late outcome that comes before the next attempt answers the one that was sent', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.pending(1, 60_000);
  const { op } = machine.outstandingOf(1).work;
  const outcome = { kind: 'refused', reason: 'no' } as const;
  t.is(machine.put({ type: 'outcome', branch: 1, op, attempt: 'late', outcome }).kind, 'append');
  t.is(machine.status, 'rolled_back', 'refused on its only attempt: nothing is undone');
});
