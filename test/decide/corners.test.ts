/** Rare turns that the stories of the other files do not take: what is recorded there, to the field. */
import test from 'ava';
import { delayMs } from '../../coordinator/decide/backoff.js';
import { coordinator, inAWord } from './machine.js';
import { inPhase } from './phases.js';
import { initiated, planned } from './requests.js';

const ask = { onTimeout: 'ask', deadlineAt: 1_010_000 } as const;
const once = { attemptsMax: 1, initialMs: 1, maxMs: 1, factor: 1 };
const twice = { ...once, attemptsMax: 2 };

test('I7 a late word on another op than the one that parked does not answer it', (t) => {
  const machine = inPhase.parked_commit();
  const before = machine.state;
  const late = (op: 'try' | 'cancel') =>
    machine.put({ type: 'outcome', branch: 1, op, attempt: 'late', outcome: { kind: 'done', output: null } });
  t.deepEqual(late('try'), { kind: 'same' });
  t.deepEqual(late('cancel'), { kind: 'stale', why: `'cancel' is parked` });
  t.is(machine.state, before);
});

test('G3 a branch that parked before the rollback is undone under its number, when its command can no longer take effect', (t) => {
  const machine = initiated([{ id: 'a', retry: twice }]);
  machine.unknown(1);
  machine.untilDue(1);
  machine.put({ type: 'unstorable', branch: 1, op: 'action', error: 'too large' });
  t.like(machine.branch(1), { stage: { at: 'parked', attempt: 2, expiresAt: 1_001_000 }, forwardAttempts: 2 });
  machine.rollback();
  t.is(machine.outstandingOf(1).work.dueAt, 1_001_000);
  t.like(machine.branch(1), { forwardAttempts: 2, forwardExpiresAt: 1_001_000 });
});

test('when a branch was begun and when it was over stay as they were', (t) => {
  const machine = initiated([{ id: 'a', retry: once }, 'b'], ask);
  machine.now += 10;
  machine.refused(2);
  t.is(machine.branch(2).finishedAt, null);
  machine.unknown(1);
  machine.now += 10;
  machine.check('commit');
  t.like(machine.branch(1), { startedAt: 1_000_000, finishedAt: null });
  t.is(machine.branch(2).finishedAt, 1_000_020);
  const back = initiated(['a', 'b']);
  back.refused(1);
  back.now += 5;
  back.rollback();
  t.like(back.branch(1), { stage: { at: 'refused' }, finishedAt: 1_000_005 });
  t.false(inPhase.resolved().current.parked);
});

test('a rollback is taken while the pivot has not begun', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b', pivot: true }]);
  t.is(inAWord(machine.rollback()), 'append');
  t.is(machine.current.decision, 'rollback');
});

test('C9 a commit while asking leaves it to the check when a branch ended without an outcome, or parked', (t) => {
  const uncertain = initiated([{ id: 'a', retry: once }], ask);
  uncertain.unknown(1);
  t.deepEqual([uncertain.phase, uncertain.stages()], ['asking', ['uncertain']]);
  t.is(inAWord(uncertain.commit()), 'same');
  t.is(uncertain.current.decision, null);
  const plan = planned([{ id: 'a' }, { id: 'b' }], ask);
  plan.rollback();
  plan.done(1);
  t.is(inAWord(plan.commit()), 'driven_by_plan');
});

test('I6 an undo that is refused is not resolved while a forward command without an outcome may take effect', (t) => {
  const machine = initiated([{ id: 'a', kind: 'tcc', retry: once }]);
  machine.unknown(1);
  t.is(machine.current.decision, 'rollback');
  machine.refused(1);
  t.is(inAWord(machine.resolve(1, 'skipped')), 'command_in_flight');
  machine.now += 1000;
  t.is(inAWord(machine.resolve(1, 'skipped')), 'append');
});

test('what is known of the forward op stays when its end parks or is set right by hand', (t) => {
  const commit = inPhase.parked_commit();
  t.like(commit.branch(1), { forward: 'done', forwardAttempts: 1 });
  commit.retry();
  commit.refused(1);
  t.like(commit.branch(1), { stage: { at: 'parked', attempt: 2 }, forwardAttempts: 1 });
  commit.resolve(1, 'skipped');
  t.like(commit.branch(1), { stage: { at: 'skipped' }, forward: 'done' });
  const pivot = planned([{ id: 'a', pivot: true, retry: twice }]);
  pivot.unknown(1);
  pivot.untilDue(1);
  pivot.unknown(1);
  t.like(pivot.branch(1), { stage: { at: 'parked', attempt: 2 }, forward: 'unknown', forwardAttempts: 2 });
  pivot.now += 5000;
  pivot.resolve(1, 'skipped');
  t.is(pivot.branch(1).forward, 'refused');
});

test('Q10 only checks that their coordinator did not survive count towards parking it', (t) => {
  const machine = initiated([], ask);
  machine.rollback();
  for (const _ of [1, 2, 3]) {
    machine.check('unknown');
    machine.untilDue(0);
  }
  machine.me = coordinator('b');
  machine.put({ type: 'adopt', from: coordinator('a') });
  t.is(machine.phase, 'asking');
  t.like(machine.outstandingOf(0).work, { op: 'check', attempt: 5, crashes: 1 });
});

test('a person who tries again leaves a check that is under way alone, and asks at once for one that waits', (t) => {
  const machine = initiated(['a', 'b'], ask);
  machine.rollback();
  machine.unknown(1);
  const { work } = machine.outstandingOf(0);
  t.is(machine.retry().kind, 'append');
  t.deepEqual(machine.outstandingOf(0).work, work);
  machine.check('unknown');
  machine.now += 1;
  machine.retry();
  t.like(machine.outstandingOf(0).work, { op: 'check', attempt: 2, failures: 0, dueAt: machine.now });
});

test('a message that is under way holds no other message back', (t) => {
  const machine = planned([
    { id: 'pay', pivot: true },
    { id: 'ship', after: ['pay'] },
    { id: 'told', kind: 'message', after: ['pay'] },
    { id: 'shipped', kind: 'message', after: ['ship'] },
  ]);
  machine.done(1);
  machine.refused(2);
  t.deepEqual(machine.commands(), ['3.deliver.1']);
  machine.resolve(2, 'done');
  t.deepEqual(machine.commands(), ['3.deliver.1', '4.deliver.1']);
});

test('one draw is spread over the branches', (t) => {
  const backoff = { initialMs: 1000, maxMs: 1_000_000, factor: 2 };
  t.deepEqual(
    [0, 1, 2, 3].map((branch) => delayMs(backoff, 0, 0.25, branch)),
    [250, 868, 486, 104],
  );
  t.is(delayMs(backoff, 3, 0.5), 4000);
  t.is(delayMs(backoff, 30, 0.5), 500_000);
});
