import test from 'ava';
import { commandFor, inputOf } from '../../coordinator/decide/outstanding.js';
import { hasRoomFor } from '../../coordinator/decide/rules/meaning.js';
import { transactionView } from '../../coordinator/http/views.js';
import { limits } from '../../sdk/protocol/limits.js';
import type { Machine } from './machine.js';
import { add, initiated, planned } from './requests.js';

const bodyFor = (machine: Machine, branch: number) =>
  commandFor(machine.current, machine.outstandingOf(branch), machine.now)!.body;

test('$from takes a value from an earlier output, $value hides what looks like one', (t) => {
  const machine = planned([
    { id: 'order' },
    {
      id: 'pay',
      input: {
        id: { $from: 'order.lines.1.id' },
        all: { $from: 'order' },
        raw: { $value: { $from: 'order' } },
        list: [1],
      },
    },
  ]);
  const output = { lines: [{ id: 'x' }, { id: 'y' }] };
  machine.done(1, output);
  t.deepEqual(bodyFor(machine, 2).input, { id: 'y', all: output, raw: { $from: 'order' }, list: [1] });
});

test('a reference without a value refuses its step before anything is sent', (t) => {
  const machine = planned([{ id: 'order' }, { id: 'pay', input: { $from: 'order.nothing' } }]);
  machine.done(1, { id: 1 });
  t.deepEqual(
    machine.rows.at(-1)!.events.map(({ type }) => type),
    ['branch_done', 'branch_refused', 'decided'],
  );
  t.like(machine.rows.at(-1)!.events[1], { attempt: 0, code: 'reference_missing' });
  t.deepEqual(machine.stages(), ['asked', 'refused'], 'and is not told of the rollback');
});

test('a value that is null is a value', (t) => {
  const machine = planned([{ id: 'order' }, { id: 'pay', input: { id: { $from: 'order' } } }]);
  machine.done(1, null);
  t.deepEqual(bodyFor(machine, 2).input, { id: null });
});

test('the compensation of a step gets its input filled in as the action did, its output, and the reason', (t) => {
  const machine = planned([{ id: 'order' }, { id: 'pay', input: { id: { $from: 'order.id' } } }, { id: 'ship' }]);
  machine.done(1, { id: 9 });
  machine.done(2, { receipt: 4 });
  machine.refused(3, 'no van');
  t.deepEqual(bodyFor(machine, 2), {
    xid: machine.current.xid,
    branch: 2,
    id: 'pay',
    kind: 'saga',
    op: 'compensate',
    input: { id: 9 },
    output: { receipt: 4 },
    forward: 'done',
    reason: "'ship' was refused: no van",
  });
});

test('after the pivot a missing reference parks its step, and a person can only skip it or call it done', (t) => {
  const machine = planned([
    { id: 'pay', pivot: true },
    { id: 'ship', input: { $from: 'pay.address' } },
    { id: 'mail' },
  ]);
  machine.done(1, {});
  t.is(machine.phase, 'parked_commit');
  t.like(machine.branch(2).stage, { at: 'parked', op: 'action', attempt: 0, expiresAt: 0 });
  machine.retry();
  t.is(machine.phase, 'parked_commit', 'it is still missing');
  machine.resolve(2, 'done');
  t.deepEqual(machine.commands(), ['3.action.1']);
});

test('a step that a person skipped or a message has no output to refer to', (t) => {
  const machine = planned([
    { id: 'pay', pivot: true },
    { id: 'tell', kind: 'message' },
    { id: 'ship' },
    { id: 'mail', input: { $from: 'ship' } },
    { id: 'note', input: { $from: 'tell' }, after: ['pay'] },
  ]);
  machine.done(1);
  t.like(machine.branch(5).stage, {
    at: 'parked',
    reason: 'reference_missing: {"$from": "tell"} has no value in the outputs so far',
  });
  machine.refused(3);
  machine.resolve(3, 'skipped');
  t.like(machine.branch(4).stage, { at: 'parked', attempt: 0 });
});

test('a message whose reference is missing parks, also when it goes because a later step parked', (t) => {
  const machine = planned([
    { id: 'pay', pivot: true },
    { id: 'tell', kind: 'message', input: { $from: 'pay.b' }, after: ['pay'] },
    { id: 'ship', input: { $from: 'pay.a' }, after: ['pay'] },
  ]);
  machine.done(1, {});
  t.deepEqual(machine.stages(), ['committed', 'parked', 'parked']);
  t.is(machine.status, 'parked');
});

test('a step refused for a missing reference stays unsent when the check says committed and a person retries', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b', input: { $from: 'a.x' } }], { onTimeout: 'ask' });
  machine.done(1, {});
  t.is(machine.phase, 'asking');
  machine.check('commit');
  t.is(machine.phase, 'parked_commit');
  machine.retry();
  t.is(machine.phase, 'parked_commit');
  t.deepEqual(machine.commands(), []);
});

test('K2 references that name a large output again and again refuse their step, and are shown as they were given', (t) => {
  const input = Array.from({ length: 10_000 }, () => ({ $from: 'order' }));
  const machine = planned([{ id: 'order' }, { id: 'pay', input }, { id: 'last' }]);
  machine.done(1, 'x'.repeat(limits.outcomeBodyBytes - 2));
  t.like(machine.rows.at(-1)!.events[1], { attempt: 0, code: 'input_too_large' });
  t.is(JSON.stringify(inputOf(machine.current, machine.current.branches[1]!)), JSON.stringify(input));
  t.true(JSON.stringify(transactionView(machine.current, machine.now)).length < 4 * limits.outcomeBodyBytes);
});

test('an output of any size can be handed on', (t) => {
  const machine = planned([{ id: 'order' }, { id: 'pay', input: { all: { $from: 'order' } } }]);
  const output = 'x'.repeat(limits.outcomeBodyBytes - 2);
  machine.done(1, output);
  t.deepEqual(bodyFor(machine, 2).input, { all: output });
});

test('K2 what many steps are filled with is not shown many times', (t) => {
  const pays = Array.from({ length: 100 }, (_, index) => ({
    id: `p${index}`,
    after: ['order'],
    input: { $from: 'order' },
  }));
  const machine = planned([{ id: 'order', after: [] }, ...pays]);
  machine.done(1, 'x'.repeat(500_000));
  t.true(JSON.stringify(transactionView(machine.current, machine.now)).length < 4_000_000);
});

test('K2 a transaction that grows too large parks the branch whose output is too much, and takes no more input', (t) => {
  const steps = Array.from({ length: 20 }, (_, index) => ({ id: `s${index}`, after: [] }));
  const machine = planned(steps);
  for (const number of steps.keys()) machine.done(number + 1, 'x'.repeat(1_000_000));
  t.is(machine.status, 'parked');
  t.deepEqual(machine.stages().slice(14, 18), ['done', 'done', 'parked', 'parked']);
  t.regex(machine.current.branches[16]!.lastError!, /could not be stored/);
  const driven = initiated(
    Array.from({ length: 16 }, (_, index) => ({ id: `b${index}`, input: 'x'.repeat(1_000_000) })),
  );
  t.like(add(driven, { id: 'more', input: 'x'.repeat(1_000_000) }), { kind: 'refuse', code: 'too_large' });
  t.is(add(driven, { id: 'small', input: 'x' }).kind, 'append');
});

test('K2 a transaction may be full to the byte', (t) => {
  const state = { ...planned([{ id: 'a', after: [] }]).current, grownBytes: limits.grownBytes - 5 };
  t.true(hasRoomFor({ state }, 'abc'));
  t.false(hasRoomFor({ state }, 'abcd'));
});
