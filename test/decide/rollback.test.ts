import test from 'ava';
import { add, initiated, planned } from './requests.js';

test('plan: every step whose turn had come is told, no other', (t) => {
  const machine = planned([
    { id: 'a', after: [] },
    { id: 'b', after: [] },
    { id: 'c', after: ['a'] },
    { id: 'd', after: ['b'] },
  ]);
  machine.done(1);
  machine.unknown(2);
  machine.unknown(3);
  machine.rollback();
  t.deepEqual(machine.stages(), ['to_undo', 'asked', 'asked', 'skipped']);
});

test('plan: a step begun in the row that decides the rollback is told too, though nothing was sent', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }]);
  machine.putTogether([
    { type: 'outcome', branch: 1, op: 'action', attempt: 1, outcome: { kind: 'done', output: null } },
    { type: 'rollback', reason: 'asked' },
  ]);
  t.deepEqual(machine.commands(), ['2.compensate.1']);
});

test('a branch refused on its only attempt is not told', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }]);
  machine.done(1);
  machine.refused(2);
  machine.done(1);
  t.deepEqual(machine.stages(), ['undone', 'refused']);
  t.is(machine.status, 'rolled_back');
});

test('a branch refused after more than one command is told too: an earlier one may have taken effect', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }]);
  machine.done(1);
  machine.unknown(2);
  machine.untilDue(2);
  machine.refused(2);
  t.deepEqual(machine.commands(), ['2.compensate.1']);
  machine.done(2);
  t.deepEqual(machine.commands(), ['1.compensate.1']);
});

test('initiator: every branch that was added is told, also one that was surely never sent', (t) => {
  const machine = initiated(['a', 'b']);
  machine.putTogether([
    { type: 'add_branch', spec: { id: 'c', kind: 'saga', target: { url: 'http://x' }, input: null, after: [] } },
    { type: 'rollback', reason: 'asked' },
  ]);
  t.deepEqual(machine.commands(), ['1.action.1!', '2.action.1!', '3.compensate.1']);
});

test('C8 a message is never told of a rollback', (t) => {
  const machine = initiated([{ id: 'm', kind: 'message' }]);
  machine.rollback();
  t.is(machine.status, 'rolled_back');
  t.deepEqual(machine.stages(), ['skipped']);
});

test('I7 no rollback op while the forward command is in flight: its outcome comes first', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.rollback();
  t.deepEqual(machine.commands(), ['1.action.1!']);
  machine.done(1, { id: 7 });
  t.deepEqual(machine.commands(), ['1.compensate.1']);
  t.deepEqual(machine.branch(1).output, { id: 7 });
});

test('a forward command in flight at the rollback is not repeated, whatever comes back', (t) => {
  for (const outcome of ['unknown', 'pending'] as const) {
    const machine = planned([{ id: 'a' }]);
    machine.rollback();
    machine[outcome](1);
    t.deepEqual(machine.commands(), ['1.compensate.1'], outcome);
    t.is(machine.branch(1).forward, 'unknown');
  }
  const machine = planned([{ id: 'a' }]);
  machine.rollback();
  machine.refused(1);
  t.is(machine.status, 'rolled_back');
});

test('a forward op that waits for its next attempt at the rollback is undone at once', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.unknown(1);
  machine.rollback();
  t.deepEqual(machine.commands(), ['1.compensate.1']);
});

test('I8 a plan is undone backwards, the sides of a diamond in parallel', (t) => {
  const machine = planned([
    { id: 'a' },
    { id: 'b' },
    { id: 'c', after: ['a'] },
    { id: 'd', after: ['b', 'c'] },
    { id: 'e' },
  ]);
  for (const branch of [1, 2, 3, 4]) machine.done(branch);
  machine.refused(5);
  t.deepEqual(machine.commands(), ['4.compensate.1']);
  machine.done(4);
  t.deepEqual(machine.commands(), ['2.compensate.1', '3.compensate.1']);
  machine.done(2);
  t.deepEqual(machine.commands(), ['3.compensate.1']);
  machine.done(3);
  t.deepEqual(machine.commands(), ['1.compensate.1']);
});

test('O2 I8 initiator: a branch is undone after those registered once its outcome was known, the rest in parallel', (t) => {
  const machine = initiated(['a', 'b']);
  machine.done(1);
  add(machine, 'c');
  machine.done(2);
  machine.done(3);
  machine.rollback();
  t.deepEqual(machine.commands(), ['2.compensate.1', '3.compensate.1'], 'b was answered after c was registered');
  machine.done(2);
  t.deepEqual(machine.commands(), ['3.compensate.1']);
  machine.done(3);
  t.deepEqual(machine.commands(), ['1.compensate.1']);
});

test('I8 the outcome that is still awaited holds back what came before it', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }]);
  machine.done(1);
  machine.rollback();
  t.deepEqual(machine.commands(), ['2.action.1!']);
  t.deepEqual(machine.stages(), ['to_undo', 'asked']);
});

test('B7 an undo that parked no longer holds back the others', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  machine.done(1);
  machine.done(2);
  machine.refused(3);
  t.deepEqual(machine.commands(), ['2.compensate.1']);
  machine.refused(2, 'the account is closed');
  t.deepEqual(machine.commands(), ['1.compensate.1']);
  t.is(machine.status, 'rolling_back');
  machine.done(1);
  t.is(machine.status, 'parked');
  t.deepEqual(machine.stages(), ['undone', 'parked', 'refused']);
});

test('B7 an undo is retried until its time is used up, then it parks with the last error', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }]);
  machine.done(1);
  machine.refused(2);
  let attempts = 0;
  for (; machine.status === 'rolling_back'; attempts++) {
    machine.untilDue(1);
    machine.unknown(1, 'gone');
    t.true(attempts < 100);
  }
  t.is(machine.status, 'parked');
  t.is(machine.branch(1).lastError, 'gone');
  t.true(machine.now - machine.current.decidedAt! >= 5000);
});

test('I6 an undo waits until a forward command that was overtaken by its late outcome has expired', (t) => {
  const machine = initiated(['a']);
  machine.unknown(1);
  machine.untilDue(1);
  t.deepEqual(machine.commands(), ['1.action.2']);
  machine.now += 1;
  machine.put({ type: 'outcome', branch: 1, op: 'action', attempt: 'late', outcome: { kind: 'done', output: 5 } });
  machine.rollback();
  t.deepEqual(machine.commands(), ['1.compensate.1']);
  t.is(machine.outstandingOf(1).work.dueAt, machine.now + 1000);
  machine.retry();
  t.is(machine.outstandingOf(1).work.dueAt, machine.now + 1000, 'not even a person can make it undo now');
});

test('I6 so does the undo after a late refusal', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.unknown(1);
  machine.untilDue(1);
  machine.put({ type: 'outcome', branch: 1, op: 'action', attempt: 1, outcome: { kind: 'refused', reason: 'no' } });
  t.is(machine.outstandingOf(1).work.op, 'compensate');
  t.is(machine.outstandingOf(1).work.dueAt, machine.now + 1000);
});
