import test from 'ava';
import { coordinator, type Machine } from './machine.js';
import { initiated, planned } from './requests.js';

/** Another coordinator takes over from the one that wrote last. */
function adoptedBy(machine: Machine, name: string) {
  const from = machine.me;
  machine.me = coordinator(name);
  return machine.put({ type: 'adopt', from });
}

test('each command that may be in flight counts as one attempt without an outcome', (t) => {
  const machine = planned([
    { id: 'a', after: [] },
    { id: 'b', after: [] },
  ]);
  machine.answer(2, { kind: 'unknown', error: '503', retryAfterMs: 9000 });
  const later = machine.outstandingOf(2).work;
  adoptedBy(machine, 'b');
  t.deepEqual(machine.commands(), ['1.action.2', '2.action.2']);
  t.is(machine.outstandingOf(1).work.crashes, 1);
  const { work } = machine.outstandingOf(2);
  t.is(work.dueAt, later.dueAt, 'what waits is not counted');
  t.is(work.by, coordinator('b'), 'but the new owner sends it');
  t.is(machine.current.owner, coordinator('b'));
});

test('G1 whoever is not the last to append cannot be adopted from', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.me = coordinator('b');
  t.is(machine.put({ type: 'adopt', from: coordinator('c') }).kind, 'stale');
});

test('Q10 a forward command that kills its coordinator again and again is given up on', (t) => {
  const machine = planned([{ id: 'a', retry: { attemptsMax: 50, initialMs: 1, maxMs: 1, factor: 1 } }]);
  adoptedBy(machine, 'b');
  machine.untilDue(1);
  adoptedBy(machine, 'c');
  t.is(machine.status, 'rolling_back');
  t.deepEqual(machine.commands(), ['1.compensate.1']);
});

test('Q10 a commit op that kills its coordinator again and again parks, and can be resolved once it has expired', (t) => {
  const machine = initiated([{ id: 'a', kind: 'tcc' }]);
  machine.done(1);
  machine.commit();
  adoptedBy(machine, 'b');
  t.is(machine.status, 'committing');
  machine.untilDue(1);
  adoptedBy(machine, 'c');
  t.is(machine.phase, 'parked_commit');
  t.is(machine.resolve(1, 'done').kind, 'refuse');
  machine.now += 1000;
  t.is(machine.resolve(1, 'done').kind, 'append');
});

test("Q10 only crashes in a row count: a bystander of somebody else's crash loop is not given up on", (t) => {
  const machine = initiated([{ id: 'a', kind: 'tcc' }]);
  machine.done(1);
  machine.commit();
  for (const name of ['b', 'c', 'd', 'e']) {
    adoptedBy(machine, name);
    t.is(machine.outstandingOf(1).work.crashes, 1);
    machine.untilDue(1);
    if (name === 'c') machine.pending(1);
    else machine.unknown(1);
    t.is(machine.outstandingOf(1).work.crashes, 0);
    machine.untilDue(1);
  }
  t.is(machine.status, 'committing');
});

test('J6 "ask me again at once" is asked again a little later', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.pending(1, 0);
  t.is(machine.outstandingOf(1).work.dueAt, machine.now + machine.current.policy.backoff.initialMs);
});

test('a forward command of the dead coordinator at a rollback ends in doubt and is undone', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.rollback();
  t.deepEqual(machine.commands(), ['1.action.1!']);
  adoptedBy(machine, 'b');
  t.deepEqual(machine.commands(), ['1.compensate.1']);
});

test('G1 adopting a transaction with nothing in flight only changes its owner', (t) => {
  const machine = initiated([]);
  adoptedBy(machine, 'b');
  t.deepEqual(machine.rows.at(-1)!.events, [{ type: 'adopted', from: 'a' }]);
});

test('Q10 the check of an ask transaction is counted and asked again', (t) => {
  const machine = initiated([], { onTimeout: 'ask' });
  machine.rollback();
  adoptedBy(machine, 'b');
  t.deepEqual(machine.commands(), ['0.check.2']);
  adoptedBy(machine, 'c');
  t.deepEqual(machine.commands(), ['0.check.2'], 'it was not due yet');
  t.is(machine.outstandingOf(0).work.by, coordinator('c'));
});

test('G1 what a third coordinator has in hand is neither counted nor taken over: it expires first', (t) => {
  const machine = initiated(['a', 'b']);
  machine.answer(2, { kind: 'unknown', error: '503', retryAfterMs: 9000 });
  const works = () => [machine.outstandingOf(1).work, machine.outstandingOf(2).work];
  const before = works();
  machine.me = coordinator('c');
  machine.put({ type: 'rollback_only', reason: 'no' });
  adoptedBy(machine, 'b');
  t.is(machine.current.owner, coordinator('b'));
  t.deepEqual(works(), before);
});

test('time in which no coordinator was there to try is not held against a participant', (t) => {
  const machine = planned([{ id: 'a', kind: 'tcc' }]);
  machine.answer(1, { kind: 'done', output: null });
  machine.now += machine.current.policy.parkAfterMs * 10;
  adoptedBy(machine, 'b');
  t.deepEqual(machine.commands(), ['1.confirm.2'], 'the op is tried before it is given up on');
  machine.untilDue(1);
  machine.answer(1, { kind: 'unknown', error: '503' });
  t.is(machine.status, 'parked');
});
