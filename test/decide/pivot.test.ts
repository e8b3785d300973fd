import test from 'ava';
import { inAWord, type Machine } from './machine.js';
import { planned, type Step } from './requests.js';

const once = { attemptsMax: 1, initialMs: 100, maxMs: 100, factor: 1 };

/** a, then the pivot, then two steps after it. */
function order(change: Partial<Step> = {}): Machine {
  const machine = planned(
    [{ id: 'a' }, { id: 'pay', pivot: true, retry: once, ...change }, { id: 'ship' }, { id: 'mail' }],
    { deadlineAt: 1_010_000 },
  );
  machine.done(1);
  return machine;
}

test('what a pivot did is the commit decision', (t) => {
  const machine = order();
  machine.done(2);
  t.deepEqual(
    machine.rows.at(-1)!.events.map(({ type }) => type),
    ['branch_done', 'decided'],
  );
  t.is(machine.status, 'committing');
  t.deepEqual(machine.stages(), ['committed', 'committed', 'asked', 'waiting']);
  t.is(inAWord(machine.rollback()), 'already_decided');
});

test('the deadline no longer counts after the pivot, and waits while the pivot is in doubt', (t) => {
  const machine = order();
  machine.now = 1_020_000;
  t.is(machine.put({ type: 'deadline' }).kind, 'stale');
  machine.done(2);
  t.is(machine.put({ type: 'deadline' }).kind, 'stale');
  t.is(machine.status, 'committing');
});

test('while the pivot is in doubt nothing decides rollback: outcome_unknown', (t) => {
  const machine = order({ retry: { ...once, attemptsMax: 2 } });
  t.is(inAWord(machine.rollback()), 'outcome_unknown');
  t.is(inAWord(machine.put({ type: 'rollback_only', reason: 'no' })), 'outcome_unknown');
  machine.unknown(2);
  t.is(inAWord(machine.rollback()), 'outcome_unknown');
});

test('a pivot that was refused decides rollback', (t) => {
  const machine = order();
  machine.refused(2);
  t.deepEqual(machine.commands(), ['1.compensate.1']);
});

test('a pivot whose attempts are used up is parked, not rolled back, and rollback is still refused', (t) => {
  const machine = order();
  machine.unknown(2);
  t.is(machine.phase, 'parked_undecided');
  t.deepEqual(machine.stages(), ['done', 'parked', 'waiting', 'waiting']);
  t.is(inAWord(machine.rollback()), 'outcome_unknown');
  t.is(machine.put({ type: 'deadline' }).kind, 'stale');
});

test('N3 a person asks a parked pivot again: a new attempt of the same command', (t) => {
  const machine = order();
  machine.unknown(2);
  machine.retry();
  t.deepEqual(machine.commands(), ['2.action.2']);
  machine.done(2);
  t.is(machine.status, 'committing');
});

test('N4 a parked pivot that a person calls done is the commit decision', (t) => {
  const machine = order();
  machine.unknown(2);
  machine.now += 1000;
  machine.resolve(2, 'done', { receipt: 4 });
  t.is(machine.current.decision, 'commit');
  t.deepEqual(machine.branch(2).output, { receipt: 4 });
  machine.done(3);
  machine.done(4);
  t.is(machine.status, 'resolved');
});

test('N4 a parked pivot that a person calls skipped decides rollback', (t) => {
  const machine = order();
  machine.unknown(2);
  machine.now += 1000;
  machine.resolve(2, 'skipped');
  t.is(machine.current.reason, "'pay' was skipped by hand");
  t.deepEqual(machine.commands(), ['1.compensate.1']);
  machine.done(1);
  t.is(machine.status, 'resolved');
});

test('the late outcome of a parked pivot decides, either way', (t) => {
  const done = order();
  done.unknown(2);
  done.put({ type: 'outcome', branch: 2, op: 'action', attempt: 'late', outcome: { kind: 'done', output: null } });
  t.deepEqual(done.commands(), ['3.action.1']);
  t.is(done.status, 'committing');
  const refused = order();
  refused.unknown(2);
  refused.put({
    type: 'outcome',
    branch: 2,
    op: 'action',
    attempt: 'late',
    outcome: { kind: 'refused', reason: 'no' },
  });
  t.is(refused.status, 'rolling_back');
  t.deepEqual(refused.commands(), ['1.compensate.1'], 'it was refused on its only attempt');
});

test('what comes after the pivot is commit work: tried until its time is used up, then parked', (t) => {
  const machine = order();
  machine.done(2);
  for (let i = 0; i < 5; i++) {
    machine.unknown(3);
    machine.untilDue(3);
  }
  t.deepEqual(machine.commands(), ['3.action.6'], 'the attempts of a forward op do not limit it');
  machine.useUp(3);
  t.is(machine.phase, 'parked_commit');
});

test('a refusal after the pivot parks, and what comes after it waits', (t) => {
  const machine = order();
  machine.done(2);
  machine.answer(3, { kind: 'refused', reason: 'no such street', code: 'address' });
  t.is(machine.phase, 'parked_commit');
  t.is(machine.branch(3).lastError, 'address: no such street');
  t.deepEqual(machine.stages(), ['committed', 'committed', 'parked', 'waiting']);
});

test('N4 a step after the pivot that a person skips lets the rest go on without it', (t) => {
  const machine = order();
  machine.done(2);
  machine.refused(3);
  machine.resolve(3, 'skipped');
  t.deepEqual(machine.commands(), ['4.action.1']);
  machine.done(4);
  t.is(machine.status, 'resolved');
});

test('I4 the late outcome of a step that parked after the pivot sets the transaction going again', (t) => {
  const machine = order();
  machine.done(2);
  machine.refused(3);
  t.is(machine.status, 'parked');
  machine.put({ type: 'outcome', branch: 3, op: 'action', attempt: 'late', outcome: { kind: 'done', output: null } });
  t.is(machine.status, 'committing');
  t.deepEqual(machine.commands(), ['4.action.1']);
});

test('a message waits for the step it comes after, also while that is parked', (t) => {
  const machine = planned([
    { id: 'pay', pivot: true },
    { id: 'ship' },
    { id: 'sent', kind: 'message' },
    { id: 'paid', kind: 'message', after: ['pay'] },
  ]);
  machine.done(1);
  machine.refused(2);
  t.deepEqual(machine.commands(), ['4.deliver.1']);
  machine.done(4);
  t.is(machine.status, 'parked');
  machine.resolve(2, 'done');
  t.deepEqual(machine.commands(), ['3.deliver.1']);
});

test('a pivot of kind tcc commits on its try and is confirmed after', (t) => {
  const machine = planned([
    { id: 'a', kind: 'tcc' },
    { id: 'pay', kind: 'tcc', pivot: true },
  ]);
  machine.done(1);
  machine.done(2);
  t.deepEqual(machine.commands(), ['1.confirm.1', '2.confirm.1']);
});
