import test from 'ava';
import type { Resolution } from '../../coordinator/decide/inputs.js';
import { inAWord, type Machine } from './machine.js';
import { add, initiated, planned } from './requests.js';

/** A transaction whose two confirms parked: the first was refused, the second used up its time. */
function parked(): Machine {
  const machine = initiated([
    { id: 'a', kind: 'tcc' },
    { id: 'b', kind: 'tcc' },
  ]);
  machine.done(1);
  machine.done(2);
  machine.commit();
  machine.refused(1);
  machine.useUp(2);
  return machine;
}

const resolve = (machine: Machine, branches: readonly Pick<Resolution, 'branch' | 'as'>[]) =>
  inAWord(
    machine.put({
      type: 'resolve',
      by: 'ann',
      branches: branches.map((each) => ({ ...each, output: null, reason: 'seen' })),
    }),
  );

test('commit: one branch parks, the others go on; the transaction parks when only parked ones are left', (t) => {
  const machine = initiated([
    { id: 'a', kind: 'tcc' },
    { id: 'b', kind: 'tcc' },
  ]);
  machine.done(1);
  machine.done(2);
  machine.commit();
  machine.refused(1);
  t.is(machine.status, 'committing');
  machine.done(2);
  t.is(machine.status, 'parked');
  t.deepEqual(machine.stages(), ['parked', 'committed']);
});

test('N5 nothing parked moves by itself', (t) => {
  const machine = parked();
  const before = machine.rows.length;
  machine.now += 1e9;
  t.is(machine.put({ type: 'deadline' }).kind, 'stale');
  t.is(machine.put({ type: 'adopt', from: machine.me }).kind, 'stale');
  t.deepEqual(machine.commands(), []);
  t.is(machine.rows.length, before);
});

test('N3 retry asks everything that parked again, under the next number, with new patience', (t) => {
  const machine = parked();
  const attempts = [1, 2].map((branch) => (machine.branch(branch).stage as { attempt: number }).attempt);
  machine.retry();
  t.is(machine.status, 'committing');
  t.deepEqual(
    machine.commands(),
    attempts.map((attempt, index) => `${index + 1}.confirm.${attempt + 1}`),
  );
  machine.unknown(2);
  t.is(machine.stages()[1], 'asked');
  machine.done(1);
  machine.done(2);
  t.is(machine.status, 'committed');
});

test('retry makes what waits for its next attempt due now, and leaves what is under way', (t) => {
  const machine = planned([
    { id: 'a', after: [] },
    { id: 'b', after: [] },
  ]);
  t.is(inAWord(machine.retry()), 'same');
  machine.answer(1, { kind: 'unknown', error: '503', retryAfterMs: 9000 });
  const underWay = machine.outstandingOf(2).work;
  machine.retry();
  t.is(machine.outstandingOf(1).work.dueAt, machine.now);
  t.is(machine.outstandingOf(1).work.attempt, 2);
  t.is(machine.outstandingOf(1).work.failures, 0);
  t.deepEqual(machine.outstandingOf(2).work, underWay);
});

test('I6 command_in_flight until the last command that was sent has expired', (t) => {
  const machine = parked();
  t.is(inAWord(machine.resolve(2, 'done')), 'command_in_flight');
  machine.now += 999;
  t.is(inAWord(machine.resolve(2, 'done')), 'command_in_flight');
  machine.now += 1;
  t.is(inAWord(machine.resolve(2, 'done')), 'append');
});

test('I6 so it is when an old attempt refused while a newer one is under way', (t) => {
  const machine = initiated([{ id: 'a', kind: 'tcc' }]);
  machine.done(1);
  machine.commit();
  machine.unknown(1);
  machine.untilDue(1);
  machine.put({ type: 'outcome', branch: 1, op: 'confirm', attempt: 1, outcome: { kind: 'refused', reason: 'no' } });
  t.is(machine.phase, 'parked_commit');
  t.is(inAWord(machine.resolve(1, 'skipped')), 'command_in_flight');
  machine.now += 1000;
  t.is(inAWord(machine.resolve(1, 'skipped')), 'append');
});

test('I6 nor before an earlier command of the branch has expired that was never answered', (t) => {
  const unanswered: Record<string, () => Machine> = {
    'an earlier confirm': () => {
      const machine = initiated([{ id: 'a', kind: 'tcc' }]);
      machine.done(1);
      machine.commit();
      machine.unknown(1);
      return machine;
    },
    'the try that was given up on': () => {
      const machine = initiated([
        { id: 'a', kind: 'tcc', retry: { attemptsMax: 1, initialMs: 1, maxMs: 1, factor: 1 } },
      ]);
      machine.unknown(1);
      return machine;
    },
    'the confirm before a person asked again': () => {
      const machine = initiated([{ id: 'a', kind: 'tcc' }]);
      machine.done(1);
      machine.commit();
      machine.now += 5000;
      machine.unknown(1);
      machine.retry();
      return machine;
    },
  };
  for (const [which, brought] of Object.entries(unanswered)) {
    const machine = brought();
    const expiresAt = machine.now + 1000;
    machine.untilDue(1);
    machine.refused(1);
    t.is(machine.status, 'parked', which);
    machine.now = expiresAt - 1;
    t.is(inAWord(machine.resolve(1, 'skipped')), 'command_in_flight', which);
    machine.now = expiresAt;
    t.is(inAWord(machine.resolve(1, 'skipped')), 'append', which);
  }
});

test('a branch that was refused can be resolved at once', (t) => {
  t.is(inAWord(parked().resolve(1, 'done')), 'append');
});

test('resolve takes all or none', (t) => {
  const machine = parked();
  t.is(
    resolve(machine, [
      { branch: 1, as: 'done' },
      { branch: 2, as: 'done' },
    ]),
    'command_in_flight',
  );
  t.deepEqual(machine.stages(), ['parked', 'parked']);
  machine.now += 1000;
  t.is(
    resolve(machine, [
      { branch: 1, as: 'done' },
      { branch: 9, as: 'done' },
    ]),
    'branch_not_found',
  );
  t.is(
    resolve(machine, [
      { branch: 1, as: 'done' },
      { branch: 1, as: 'skipped' },
    ]),
    'invalid_request',
  );
  t.is(resolve(machine, []), 'same');
  t.deepEqual(machine.stages(), ['parked', 'parked']);
  t.is(
    resolve(machine, [
      { branch: 1, as: 'done' },
      { branch: 2, as: 'skipped' },
    ]),
    'append',
  );
  t.deepEqual(machine.stages(), ['committed', 'skipped']);
  t.is(machine.status, 'resolved');
});

test('one branch resolved, the other still parked: the transaction stays parked', (t) => {
  const machine = parked();
  machine.resolve(1, 'done');
  t.is(machine.status, 'parked');
  machine.retry();
  machine.done(2);
  t.is(machine.status, 'resolved', 'a branch was decided by hand');
  t.is(machine.current.decision, 'commit');
});

test('only a parked branch can be resolved', (t) => {
  const machine = initiated([{ id: 'a', kind: 'tcc' }]);
  t.is(inAWord(machine.resolve(1, 'done')), 'branch_not_parked');
});

test('N4 a parked undo is resolved as undone or skipped, and the others are undone first', (t) => {
  for (const [as, at] of [
    ['done', 'undone'],
    ['skipped', 'skipped'],
  ] as const) {
    const machine = planned([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    machine.done(1);
    machine.done(2);
    machine.refused(3);
    machine.refused(2);
    machine.resolve(2, as);
    t.deepEqual(machine.stages(), ['asked', at, 'refused']);
    machine.done(1);
    t.is(machine.status, 'resolved');
    t.is(machine.current.decision, 'rollback');
  }
});

test('I8 a parked undo that is tried again holds back what came before it and is not begun yet', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }, { id: 'c', after: ['a'] }, { id: 'd', after: ['b', 'c'] }]);
  machine.done(1);
  machine.done(2);
  machine.done(3);
  machine.refused(4);
  machine.refused(2);
  machine.retry();
  machine.done(3);
  t.deepEqual(machine.stages(), ['to_undo', 'asked', 'undone', 'refused']);
});

test('N4 a forward op of commit work that a person calls done is confirmed then', (t) => {
  const machine = planned([
    { id: 'pay', pivot: true },
    { id: 'book', kind: 'tcc' },
  ]);
  machine.done(1);
  machine.refused(2);
  machine.resolve(2, 'done', { seat: 4 });
  t.deepEqual(machine.commands(), ['2.confirm.1']);
});

test('an undecided plan whose only parked branch a person skips is rolled back', (t) => {
  const machine = planned([
    { id: 'a', after: [] },
    { id: 'b', after: [] },
  ]);
  machine.put({ type: 'unstorable', branch: 1, op: 'action', error: 'too large' });
  machine.resolve(1, 'skipped');
  t.is(machine.status, 'rolling_back');
  t.deepEqual(machine.commands(), ['2.action.1!']);
});

test('I8 O2 two undos that parked are tried again in their order, not together', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  machine.done(1);
  machine.done(2);
  machine.refused(3);
  machine.refused(2);
  machine.refused(1);
  t.is(machine.status, 'parked');
  machine.retry();
  t.deepEqual(machine.commands(), ['2.compensate.2']);
  machine.refused(2);
  t.deepEqual(machine.commands(), ['1.compensate.2'], 'the one that parked again no longer holds back the other');
});

test('I8 a forward op that a person called done is undone after what was added since', (t) => {
  const machine = initiated(['a']);
  machine.put({ type: 'unstorable', branch: 1, op: 'action', error: 'too large' });
  machine.now += 60_000;
  const branches = [{ branch: 1, as: 'done' as const, output: null, reason: 'it is there' }];
  machine.put({ type: 'resolve', branches, by: 'somebody' });
  add(machine, 'b');
  machine.done(2);
  machine.rollback();
  t.deepEqual(machine.commands(), ['2.compensate.1']);
  machine.done(2);
  t.deepEqual(machine.commands(), ['1.compensate.1']);
});
