import test from 'ava';
import { defaults } from '../../sdk/protocol/limits.js';
import { Machine } from './machine.js';
import { plan, planned } from './requests.js';

test('a sequence asks one step after the other and commits when the last is done', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  t.deepEqual(machine.commands(), ['1.action.1']);
  machine.done(1);
  t.deepEqual(machine.commands(), ['2.action.1']);
  machine.done(2);
  t.deepEqual(machine.commands(), ['3.action.1']);
  machine.done(3);
  t.is(machine.status, 'committed');
  t.deepEqual(machine.story(), ['opened', 'branch_done', 'branch_done', 'branch_done', 'decided', 'ended']);
  t.is(machine.rows.length, 4, 'a happy saga of three steps is four appends');
});

test('a group runs in parallel and what comes after it waits for all of it', (t) => {
  const machine = planned([
    { id: 'a', after: [] },
    { id: 'b', after: [] },
    { id: 'c', after: ['a', 'b'] },
  ]);
  t.deepEqual(machine.commands(), ['1.action.1', '2.action.1']);
  machine.done(2);
  t.deepEqual(machine.commands(), ['1.action.1']);
  machine.done(1);
  t.deepEqual(machine.commands(), ['3.action.1']);
});

test('a diamond starts its sides at once and joins at its end', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }, { id: 'c', after: ['a'] }, { id: 'd', after: ['b', 'c'] }]);
  machine.done(1);
  t.deepEqual(machine.commands(), ['2.action.1', '3.action.1']);
  machine.done(3);
  machine.done(2);
  t.deepEqual(machine.commands(), ['4.action.1']);
});

test('a step that comes after one that is not there never has its turn', (t) => {
  const { request } = plan([{ id: 'a', after: [] }, { id: 'b' }]);
  const [a, b] = request.branches;
  const machine = new Machine();
  machine.put({ type: 'open', request: { ...request, branches: [a!, { ...b!, after: [9] }] } });
  machine.done(1);
  t.deepEqual(machine.stages(), ['done', 'waiting']);
});

test('I7 a plan that mixes the kinds confirms each in its own words, and in parallel', (t) => {
  const machine = planned([
    { id: 'a', kind: 'saga', after: [] },
    { id: 'b', kind: 'tcc', after: [] },
    { id: 'c', kind: 'xa', after: [] },
    { id: 'd', kind: 'at', after: [] },
  ]);
  t.deepEqual(machine.commands(), ['1.action.1', '2.try.1', '3.prepare.1', '4.execute.1']);
  for (const branch of [1, 2, 3, 4]) machine.done(branch);
  t.deepEqual(machine.commands(), ['2.confirm.1', '3.commit.1', '4.forget.1']);
  t.is(machine.status, 'committing');
  t.is(machine.stages()[0], 'committed');
  for (const branch of [4, 3, 2]) machine.done(branch);
  t.is(machine.status, 'committed');
});

test('I7 a rollback of mixed kinds undoes each in its own words', (t) => {
  const machine = planned([
    { id: 'a', kind: 'saga', after: [] },
    { id: 'b', kind: 'tcc', after: [] },
    { id: 'c', kind: 'xa', after: [] },
    { id: 'd', kind: 'at', after: [] },
  ]);
  for (const branch of [1, 2, 3, 4]) if (branch < 4) machine.done(branch);
  machine.rollback();
  t.deepEqual(machine.commands(), ['1.compensate.1', '2.cancel.1', '3.rollback.1', '4.execute.1!']);
  machine.done(4);
  t.deepEqual(machine.commands().at(-1), '4.undo.1');
});

test('messages are delivered after the commit, and after all others were told', (t) => {
  const machine = planned([
    { id: 'a', kind: 'tcc' },
    { id: 'm', kind: 'message', after: [] },
    { id: 'b', kind: 'tcc', after: ['a'] },
  ]);
  t.deepEqual(machine.commands(), ['1.try.1']);
  machine.done(1);
  machine.done(3);
  t.deepEqual(machine.commands(), ['1.confirm.1', '3.confirm.1']);
  machine.done(1);
  t.deepEqual(machine.commands(), ['3.confirm.1']);
  machine.done(3);
  t.deepEqual(machine.commands(), ['2.deliver.1']);
  machine.done(2);
  t.is(machine.status, 'committed');
});

test('a step that comes after a message does not wait for the delivery, only for what the message waits for', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'm', kind: 'message' }, { id: 'n', kind: 'message' }, { id: 'b' }]);
  t.deepEqual(machine.commands(), ['1.action.1']);
  machine.done(1);
  t.deepEqual(machine.commands(), ['4.action.1']);
});

test('a message with a time of its own is delivered then', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'm', kind: 'message', deliverAt: 2_000_000 }]);
  machine.done(1);
  t.is(machine.outstandingOf(2).work.dueAt, 2_000_000);
});

test('a plan of messages alone is committed as it is opened, an empty plan ends there', (t) => {
  t.deepEqual(planned([{ id: 'm', kind: 'message' }]).commands(), ['1.deliver.1']);
  t.is(planned([]).status, 'committed');
});

test('J8 a deep web of messages costs each of them one look, not one for every way through it', (t) => {
  const steps = [{ id: 'a', kind: 'saga' as const }, ...Array.from({ length: 60 }, (_, i) => message(i))];
  const machine = planned([...steps, { id: 'z', after: ['m58', 'm59'] }]);
  machine.done(1);
  t.deepEqual(machine.commands(), ['62.action.1']);
});

const message = (i: number) => ({
  id: `m${i}`,
  kind: 'message' as const,
  after: i < 2 ? ['a'] : [`m${i - 1}`, `m${i - 2}`],
});

test('B1 an attempt without an outcome is repeated later, the delay drawn between nothing and the ceiling', (t) => {
  const machine = planned([{ id: 'a', retry: { attemptsMax: 9, initialMs: 100, maxMs: 250, factor: 2 } }]);
  const delays = [];
  for (let failures = 0; failures < 4; failures++) {
    const asked = machine.now;
    machine.unknown(1);
    delays.push(machine.outstandingOf(1).work.dueAt - asked);
    machine.untilDue(1);
  }
  // The draw of 0.5 and the branch's share of the golden ratio give 0.118 of 100, 200, 250 and 250.
  t.deepEqual(delays, [12, 24, 30, 30]);
  t.deepEqual(machine.commands(), ['1.action.5']);
});

test('J5 a Retry-After longer than the backoff is kept', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.answer(1, { kind: 'unknown', error: '503', retryAfterMs: 7000 });
  t.is(machine.outstandingOf(1).work.dueAt, machine.now + 7000);
});

test('a refusal decides rollback in the row that says so, with the reason', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }]);
  machine.done(1);
  machine.refused(2, 'sold out');
  t.is(machine.current.reason, "'b' was refused: sold out");
  t.deepEqual(
    machine.rows.at(-1)!.events.map(({ type }) => type),
    ['branch_refused', 'decided'],
  );
  t.deepEqual(machine.commands(), ['1.compensate.1']);
  machine.done(1);
  t.is(machine.status, 'rolled_back');
  t.deepEqual(machine.stages(), ['undone', 'refused']);
});

test('attempts that are used up decide rollback, and the branch in doubt is told', (t) => {
  const machine = planned([{ id: 'a', retry: { ...defaults.retry, attemptsMax: 2 } }]);
  machine.unknown(1);
  t.is(machine.status, 'active');
  machine.untilDue(1);
  machine.unknown(1, 'no route');
  t.is(machine.current.reason, "'a' ended without an outcome: no route");
  t.deepEqual(machine.commands(), ['1.compensate.1']);
});

test('the deadline decides rollback, and not a moment earlier', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }], { deadlineAt: 1_000_500 });
  machine.done(1);
  machine.now = 1_000_499;
  t.is(machine.put({ type: 'deadline' }).kind, 'stale');
  machine.now = 1_000_500;
  machine.put({ type: 'deadline' });
  t.is(machine.current.reason, 'the deadline passed');
  t.deepEqual(machine.commands(), ['2.action.1!']);
});

test('F1 the deadline loses against the last outcome that is in the log before it', (t) => {
  const machine = planned([{ id: 'a', kind: 'tcc' }], { deadlineAt: 1_000_500 });
  machine.now = 1_000_500;
  const [, late] = machine.putTogether([
    { type: 'outcome', branch: 1, op: 'try', attempt: 1, outcome: { kind: 'done', output: null } },
    { type: 'deadline' },
  ]);
  t.is(late!.kind, 'stale');
  t.deepEqual(machine.commands(), ['1.confirm.1']);
});

test('J8 a draw never gives a due time that is no number, however long it is retried', (t) => {
  const machine = planned([{ id: 'a', kind: 'tcc', retry: { attemptsMax: 1, initialMs: 0, maxMs: 0, factor: 10 } }], {
    policy: { ...planned([]).current.policy, backoff: { initialMs: 0, maxMs: 1000, factor: 10 }, parkAfterMs: 1e9 },
  });
  machine.done(1);
  for (let i = 0; i < 400; i++) machine.unknown(1);
  t.is(machine.outstandingOf(1).work.dueAt, machine.now);
});
