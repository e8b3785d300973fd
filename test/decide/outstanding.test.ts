import test from 'ava';
import { commandFor, nextDueAt, openDeadline } from '../../coordinator/decide/outstanding.js';
import { isWorthWriting, summarize } from '../../coordinator/decide/summary.js';
import { coordinator, type Machine } from './machine.js';
import { add, initiated, planned } from './requests.js';

const summaryOf = (machine: Machine) => summarize(machine.current, machine.me, machine.now);
const command = (machine: Machine, branch: number, now = machine.now) =>
  commandFor(machine.current, machine.outstandingOf(branch), now)!;

test('a command says what to do, for whom, and until when', (t) => {
  const machine = planned([{ id: 'a', kind: 'tcc', input: { sku: 'tea' }, timeoutMs: 300 }]);
  t.deepEqual(command(machine, 1), {
    attempt: 1,
    dueAt: 1_000_000,
    expiresAt: 1_000_300,
    traceId: '0'.repeat(32),
    target: { participant: 'shop', handler: 'a' },
    body: { xid: machine.current.xid, branch: 1, id: 'a', kind: 'tcc', op: 'try', input: { sku: 'tea' } },
  });
});

test('a command that is sent late keeps its full time', (t) => {
  const machine = planned([{ id: 'a', timeoutMs: 300 }]);
  t.is(command(machine, 1, machine.now + 150).expiresAt, machine.now + 300);
  t.is(command(machine, 1, machine.now + 151).expiresAt, machine.now + 451);
});

test('a commit op gets the output and what is known; a message gets neither', (t) => {
  const machine = planned([
    { id: 'a', kind: 'tcc' },
    { id: 'm', kind: 'message' },
  ]);
  machine.done(1, { seat: 4 });
  t.like(command(machine, 1).body, { op: 'confirm', output: { seat: 4 }, forward: 'done' });
  t.false('reason' in command(machine, 1).body);
  machine.done(1);
  t.false('forward' in command(machine, 2).body);
});

test('the undo of a branch in doubt says so', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.unknown(1);
  machine.rollback('enough');
  t.like(command(machine, 1).body, { op: 'compensate', forward: 'unknown', reason: 'enough' });
  t.false('output' in command(machine, 1).body);
});

test('the check goes to the initiator with the metadata', (t) => {
  const machine = initiated([], { onTimeout: 'ask', metadata: { cart: 3 } });
  machine.rollback();
  t.like(command(machine, 0), {
    target: { participant: 'desk', handler: 'ask' },
    body: { op: 'check', branch: 0, input: { cart: 3 } },
  });
});

test('a check that leads nowhere and a branch that is not there give no command', (t) => {
  const machine = initiated(['a'], { onTimeout: 'ask', check: null });
  machine.rollback();
  t.is(commandFor(machine.current, machine.outstandingOf(0), machine.now), undefined);
  t.is(commandFor(machine.current, { ...machine.outstandingOf(1), branch: 9 }, machine.now), undefined);
});

test('I4 somebody must look again at the deadline, at a later attempt, and when what another sent has expired', (t) => {
  const machine = planned([{ id: 'a', timeoutMs: 300 }], { deadlineAt: 1_009_000 });
  t.is(nextDueAt(machine.current), 1_009_000, 'what is in hand is not waited for');
  t.is(nextDueAt(machine.current, coordinator('b')), 1_000_300);
  machine.unknown(1);
  t.is(nextDueAt(machine.current), machine.outstandingOf(1).work.dueAt);
  machine.rollback();
  t.is(nextDueAt(machine.current), null, 'the deadline is over');
  machine.refused(1);
  t.is(machine.status, 'parked');
  t.is(nextDueAt(machine.current), null);
});

test('a forward op that is only awaited is looked at when it expires', (t) => {
  const machine = planned([{ id: 'a', timeoutMs: 300 }]);
  machine.rollback();
  t.is(nextDueAt(machine.current), 1_000_300);
});

test('the deadline counts while nothing is decided, asked, parked or in doubt', (t) => {
  const deadlineAt = 1_009_000;
  t.is(openDeadline(planned([{ id: 'a' }], { deadlineAt }).current), deadlineAt);
  t.is(openDeadline(planned([{ id: 'a', pivot: true }], { deadlineAt }).current), null);
  const asking = initiated([], { deadlineAt, onTimeout: 'ask' });
  asking.rollback();
  t.is(openDeadline(asking.current), null);
  const parked = planned([{ id: 'a' }], { deadlineAt });
  parked.put({ type: 'unstorable', branch: 1, op: 'action', error: 'too large' });
  t.is(parked.phase, 'parked_undecided');
  t.is(openDeadline(parked.current), null);
});

test('a summary names each participant once, and when to look again', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }, { id: 'c', target: { url: 'http://x' } }], {
    deadlineAt: 1_009_000,
  });
  t.like(summaryOf(machine), {
    participants: ['shop'],
    status: 'active',
    decision: null,
    dueAt: 1_009_000,
    owner: machine.me,
  });
});

test('a summary is written at the open, when it is due at another time, at another owner, at the decision, at the end', (t) => {
  const machine = initiated([{ id: 'a', kind: 'tcc' }], { deadlineAt: 1_009_000 });
  let before = summaryOf(machine);
  t.true(isWorthWriting(undefined, before));
  const worth = (act: () => void) => {
    act();
    const after = summaryOf(machine);
    const is = isWorthWriting(before, after);
    before = after;
    return is;
  };
  t.false(worth(() => add(machine, { id: 'b', kind: 'tcc' })));
  t.true(
    worth(() => machine.unknown(1)),
    'an attempt that is due later',
  );
  machine.untilDue(1);
  t.true(worth(() => machine.done(1)));
  t.false(worth(() => machine.done(2)));
  t.true(
    worth(() => {
      machine.me = coordinator('b');
      machine.put({ type: 'adopt', from: coordinator('a') });
    }),
  );
  t.true(worth(() => machine.commit()));
  t.false(worth(() => machine.done(1)));
  t.true(worth(() => machine.done(2)));
  t.like(before, { status: 'committed', decision: 'commit', dueAt: null });
});
