import test from 'ava';
import { coordinator, inAWord } from './machine.js';
import { add, initiated, planned } from './requests.js';

const ask = { onTimeout: 'ask', deadlineAt: 1_010_000 } as const;

test('C8 the deadline of an ask transaction asks the check before anything is rolled back', (t) => {
  const machine = initiated([{ id: 'm', kind: 'message' }], ask);
  machine.now = 1_010_000;
  machine.put({ type: 'deadline' });
  t.is(machine.phase, 'asking');
  t.deepEqual(machine.commands(), ['0.check.1']);
  machine.check('rollback');
  t.is(machine.status, 'rolled_back');
  t.is(machine.current.reason, 'the deadline passed');
});

test('whoever wants the rollback of an ask transaction, the check decides', (t) => {
  const wanted = {
    'a client or an operator': () => {
      const machine = initiated(['a'], ask);
      machine.done(1);
      machine.rollback('changed my mind');
      return machine;
    },
    'a refusal in a plan': () => {
      const machine = planned([{ id: 'a' }, { id: 'b' }], ask);
      machine.done(1);
      machine.refused(2);
      return machine;
    },
    'a branch without an outcome': () => {
      const machine = initiated(['a', { id: 'b', retry: { attemptsMax: 1, initialMs: 1, maxMs: 1, factor: 1 } }], ask);
      machine.done(1);
      machine.unknown(2);
      return machine;
    },
    'a mark at the commit': () => {
      const machine = initiated(['a'], ask);
      machine.put({ type: 'rollback_only', reason: 'no' });
      machine.done(1);
      machine.commit();
      return machine;
    },
    'a mark in a plan': () => {
      const machine = planned([{ id: 'a', kind: 'tcc' }, { id: 'b' }], ask);
      machine.put({ type: 'rollback_only', reason: 'no' });
      return machine;
    },
  };
  for (const [who, brought] of Object.entries(wanted)) {
    for (const answer of ['rollback', 'commit'] as const) {
      const machine = brought();
      t.is(machine.phase, 'asking', who);
      t.is(machine.current.decision, null, who);
      machine.check(answer);
      t.is(machine.current.decision, answer, who);
      if (answer === 'commit') t.is(inAWord(machine.rollback()), 'already_decided', who);
    }
  }
});

test('while it is asking nothing new is begun, and the check says how it goes on', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }], ask);
  machine.rollback();
  machine.done(1);
  t.deepEqual(machine.commands(), ['0.check.1']);
  t.is(inAWord(add(machine, 'c')), 'driven_by_plan');
  machine.check('commit');
  t.deepEqual(machine.commands(), ['2.action.1']);
});

test('D11 an asking transaction takes no new branch', (t) => {
  const machine = initiated(['a'], ask);
  machine.rollback();
  t.is(inAWord(add(machine, 'b')), 'transaction_not_active');
});

test('"not known yet" and a check without an answer are asked again, later', (t) => {
  const machine = initiated([], ask);
  machine.rollback();
  machine.check('unknown');
  t.deepEqual(machine.commands(), ['0.check.2']);
  machine.untilDue(0);
  machine.check({ error: '503' });
  t.deepEqual(machine.commands(), ['0.check.3']);
  t.true(machine.outstandingOf(0).work.dueAt > machine.now);
});

test('an answer to an old check counts when it is one, and is stale when it is not', (t) => {
  const machine = initiated([], ask);
  machine.rollback();
  machine.check('unknown');
  t.is(machine.put({ type: 'check_answer', attempt: 1, answer: 'unknown' }).kind, 'stale');
  machine.put({ type: 'check_answer', attempt: 1, answer: 'rollback' });
  t.is(machine.status, 'rolled_back');
});

test('C10 a check that says nothing for too long parks the transaction, never drops it', (t) => {
  const machine = initiated([{ id: 'm', kind: 'message' }], ask);
  machine.rollback();
  machine.useUp(0);
  t.is(machine.phase, 'parked_undecided');
  t.is(inAWord(machine.rollback()), 'same', 'it is wanted already');
  machine.retry();
  t.is(machine.phase, 'asking');
  t.regex(machine.commands().join(), /^0\.check\.\d+$/);
  machine.check('unknown');
  t.is(machine.phase, 'asking', 'a person gives it new time');
  machine.retry();
  t.is(machine.outstandingOf(0).work.dueAt, machine.now);
  machine.check('commit');
  t.deepEqual(machine.commands(), ['1.deliver.1']);
});

test('a check that parked waits for the outcomes that are under way before the transaction is parked', (t) => {
  const machine = initiated(['a'], ask);
  machine.rollback();
  machine.useUp(0);
  t.is(machine.phase, 'asking');
  const late = { type: 'check_answer', attempt: 1, answer: 'rollback' } as const;
  t.deepEqual(machine.put(late), { kind: 'stale', why: 'nobody is asking' });
  machine.done(1);
  t.is(machine.phase, 'parked_undecided');
});

test('Q10 a check that kills its coordinator again and again parks', (t) => {
  const machine = initiated([], ask);
  machine.rollback();
  for (const name of ['b', 'c']) {
    const from = machine.me;
    machine.me = coordinator(name);
    machine.put({ type: 'adopt', from });
    if (machine.phase === 'asking') machine.untilDue(0);
  }
  t.is(machine.phase, 'parked_undecided');
});

test('C9 the initiator that commits while it is asked tells what the check would have told', (t) => {
  const machine = initiated([{ id: 'a', kind: 'tcc' }], ask);
  machine.done(1);
  machine.rollback();
  machine.commit();
  t.is(machine.current.decision, 'commit');
  t.deepEqual(machine.commands(), ['1.confirm.1']);
  t.is(machine.put({ type: 'check_answer', attempt: 1, answer: 'commit' }).kind, 'stale');
});

test('a commit while asking leaves it to the check when an outcome is missing or a mark says rollback', (t) => {
  const missing = initiated(['a'], ask);
  missing.rollback();
  t.is(inAWord(missing.commit()), 'same');
  t.is(missing.current.decision, null);
  const marked = initiated(['a'], ask);
  marked.done(1);
  marked.rollback();
  t.is(inAWord(marked.put({ type: 'rollback_only', reason: 'no' })), 'append');
  t.is(inAWord(marked.commit()), 'same');
  t.is(marked.current.decision, null);
  const plan = planned([{ id: 'a' }], ask);
  plan.rollback();
  t.is(inAWord(plan.commit()), 'driven_by_plan');
});

test('when the check says committed, what is in doubt is asked on under a new number, as commit work', (t) => {
  const machine = initiated(
    [{ id: 'a', kind: 'tcc', retry: { attemptsMax: 2, initialMs: 1, maxMs: 1, factor: 1 } }],
    ask,
  );
  machine.unknown(1);
  machine.untilDue(1);
  machine.unknown(1);
  t.deepEqual(machine.stages(), ['uncertain']);
  machine.check('commit');
  t.deepEqual(machine.commands(), ['1.try.3']);
  machine.done(1);
  t.deepEqual(machine.commands(), ['1.confirm.1']);
});

test('when the check says committed, a refused step of a plan needs a person', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }, { id: 'c' }], ask);
  machine.done(1);
  machine.refused(2, 'sold out');
  machine.check('commit');
  t.is(machine.phase, 'parked_commit');
  t.is(machine.branch(2).lastError, 'refused before the commit was decided: sold out');
  machine.retry();
  t.deepEqual(machine.commands(), ['2.action.2']);
  machine.done(2);
  t.deepEqual(machine.commands(), ['3.action.1']);
});

test('I4 an outcome that cannot be stored does not hide that the check is still asked', (t) => {
  const machine = planned([{ id: 'a' }], ask);
  machine.rollback();
  machine.put({ type: 'unstorable', branch: 1, op: 'action', error: 'too large' });
  t.is(machine.phase, 'asking');
  machine.check('rollback');
  t.deepEqual(machine.commands(), ['1.compensate.1']);
});

test('I6 nor is that refused step resolved while another command of it may be under way', (t) => {
  const machine = planned([{ id: 'a' }], ask);
  machine.unknown(1);
  machine.untilDue(1);
  machine.put({ type: 'outcome', branch: 1, op: 'action', attempt: 1, outcome: { kind: 'refused', reason: 'no' } });
  machine.check('commit');
  t.is(machine.phase, 'parked_commit');
  t.is(machine.branch(1).finishedAt, null);
  t.is(inAWord(machine.resolve(1, 'skipped')), 'command_in_flight');
  machine.now += 1000;
  t.is(inAWord(machine.resolve(1, 'skipped')), 'append');
});
