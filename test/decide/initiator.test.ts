import test from 'ava';
import { limits } from '../../sdk/protocol/limits.js';
import { inAWord, Machine } from './machine.js';
import { add, initiated, request, spec } from './requests.js';

test('an outcome goes back to the initiator and decides nothing by itself', (t) => {
  const machine = initiated(['a', 'b']);
  machine.done(1);
  machine.refused(2);
  t.is(machine.phase, 'open');
  t.deepEqual(machine.stages(), ['done', 'refused']);
});

test('a caught refusal counts as not done: another provider is tried and the commit goes through', (t) => {
  const machine = initiated([{ id: 'dear', kind: 'tcc' }]);
  machine.refused(1);
  add(machine, { id: 'cheap', kind: 'tcc' });
  machine.done(2);
  machine.commit();
  t.deepEqual(machine.commands(), ['2.confirm.1']);
  machine.done(2);
  t.is(machine.status, 'committed');
  t.deepEqual(machine.stages(), ['refused', 'committed']);
});

test('a branch that ends without an outcome decides rollback', (t) => {
  const machine = initiated([{ id: 'a', retry: { attemptsMax: 1, initialMs: 1, maxMs: 1, factor: 1 } }, 'b']);
  machine.unknown(1);
  t.is(machine.status, 'rolling_back');
  t.deepEqual(machine.commands(), ['1.compensate.1', '2.action.1!']);
});

test('D11 once it is closing nothing new gets in, and a repeat is still answered', (t) => {
  const machine = initiated(['a']);
  machine.commit();
  t.is(machine.phase, 'closing');
  t.is(machine.status, 'active');
  t.is(inAWord(add(machine, 'b')), 'transaction_not_active');
  t.is(inAWord(add(machine, 'a')), 'same');
});

test('the decision falls when every forward op that was started has an outcome', (t) => {
  const machine = initiated([
    { id: 'a', kind: 'tcc' },
    { id: 'b', kind: 'tcc' },
  ]);
  machine.commit();
  machine.done(2);
  t.is(machine.current.decision, null);
  machine.unknown(1);
  t.is(machine.current.decision, null);
  machine.untilDue(1);
  machine.refused(1);
  t.is(machine.current.decision, 'commit');
  t.deepEqual(machine.commands(), ['2.confirm.1']);
});

test('a branch whose attempts are used up while it is closing turns the commit into a rollback', (t) => {
  const machine = initiated([{ id: 'a', retry: { attemptsMax: 1, initialMs: 1, maxMs: 1, factor: 1 } }]);
  machine.commit();
  machine.unknown(1);
  t.is(machine.current.decision, 'rollback');
});

test('rollback-only waits for the commit and turns it into a rollback', (t) => {
  const machine = initiated(['a']);
  machine.put({ type: 'rollback_only', reason: 'over the limit' });
  t.is(inAWord(machine.put({ type: 'rollback_only', reason: 'again' })), 'same');
  machine.done(1);
  t.is(machine.phase, 'open');
  add(machine, 'b');
  machine.done(2);
  machine.commit();
  t.is(machine.current.decision, 'rollback');
  t.is(machine.current.reason, 'over the limit');
});

test('rollback-only set while it is closing still counts', (t) => {
  const machine = initiated(['a']);
  machine.commit();
  machine.put({ type: 'rollback_only', reason: 'late' });
  machine.done(1);
  t.is(machine.current.decision, 'rollback');
});

test('E6 commit and rollback: the first wins, its repeat is the same, the other is told', (t) => {
  const committed = initiated([{ id: 'a', kind: 'tcc' }]);
  committed.done(1);
  committed.commit();
  t.is(inAWord(committed.commit()), 'same');
  t.is(inAWord(committed.rollback()), 'already_decided');
  t.is(inAWord(committed.put({ type: 'rollback_only', reason: 'no' })), 'already_decided');
  const rolledBack = initiated([{ id: 'a', kind: 'tcc' }]);
  rolledBack.done(1);
  rolledBack.rollback();
  t.is(inAWord(rolledBack.rollback()), 'same');
  t.is(inAWord(rolledBack.commit()), 'already_decided');
});

test('E7 commit and rollback in one row: the earlier wins', (t) => {
  const machine = initiated([]);
  const verdicts = machine.putTogether([{ type: 'commit' }, { type: 'rollback', reason: 'too late' }]);
  t.deepEqual(verdicts.map(inAWord), ['append', 'already_decided']);
  t.is(machine.status, 'committed');
});

test('a rollback while it is closing is a rollback', (t) => {
  const machine = initiated(['a']);
  machine.commit();
  machine.rollback();
  t.is(machine.current.decision, 'rollback');
});

test('E1 E2 I12 the same request again is the same, another body under the same xid is a conflict', (t) => {
  const machine = new Machine();
  machine.put(request());
  t.is(inAWord(machine.put(request())), 'same');
  t.is(inAWord(machine.put(request({ fingerprint: 'f2' }))), 'xid_conflict');
});

test('I12 D9 a branch id is a key: the same body again is the same, another is a conflict', (t) => {
  const machine = initiated(['a']);
  t.is(inAWord(add(machine, 'a')), 'same');
  t.is(inAWord(machine.put({ type: 'add_branch', spec: spec({ id: 'a', fingerprint: 'other' }) })), 'branch_conflict');
});

test('J8 a transaction takes a thousand branches and refuses the next', (t) => {
  const machine = new Machine({ checked: false });
  machine.put(request());
  for (let i = 0; i < limits.stepsMax; i++) add(machine, `b${i}`);
  t.is(inAWord(add(machine, 'one_more')), 'too_many_branches');
});

test('messages of the initiator wait for the commit', (t) => {
  const machine = initiated([{ id: 'm', kind: 'message' }, 'a']);
  t.deepEqual(machine.commands(), ['2.action.1']);
  machine.done(2);
  machine.commit();
  t.deepEqual(machine.commands(), ['1.deliver.1']);
});

test('K1 an outcome that cannot be stored parks its branch; the initiator goes on, but cannot commit over it', (t) => {
  const machine = initiated(['a']);
  machine.put({ type: 'unstorable', branch: 1, op: 'action', error: 'too large' });
  t.is(machine.phase, 'open');
  add(machine, 'b');
  machine.done(2);
  machine.commit();
  t.is(machine.phase, 'parked_undecided');
  t.is(machine.current.decision, null);
  machine.resolve(1, 'done', 'small');
  t.is(machine.status, 'resolved');
  t.is(machine.current.decision, 'commit');
});

test('K1 I1 a rollback undoes a branch that is parked because its outcome could not be stored', (t) => {
  const machine = initiated(['a', 'b']);
  machine.put({ type: 'unstorable', branch: 1, op: 'action', error: 'too large' });
  machine.refused(2);
  machine.commit();
  t.is(machine.phase, 'parked_undecided');
  machine.rollback();
  t.deepEqual(machine.commands(), ['1.compensate.1']);
  machine.done(1);
  t.is(machine.status, 'rolled_back');
});

test('I12 a commit that is asked again is told how the first one ended', (t) => {
  const machine = initiated([{ id: 'a' }]);
  machine.done(1);
  machine.put({ type: 'rollback_only', reason: 'not this one' });
  t.is(machine.commit().kind, 'append');
  t.is(machine.current.decision, 'rollback');
  t.is(machine.commit().kind, 'same');
});
