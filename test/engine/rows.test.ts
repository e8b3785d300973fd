/** From what is decided to the row that is appended, and back from the rows to the state. */
import test from 'ava';
import type { Input } from '../../coordinator/decide/inputs.js';
import { decideAll, foldLog } from '../../coordinator/engine/deciding.js';
import { appendOf, reachAfter, reachBefore, rowFrom, summaryOf } from '../../coordinator/engine/rows.js';
import { armed } from '../../coordinator/faults/armed.js';
import type { LogRow, StoreError } from '../../coordinator/store/store.js';
import { coordinator, type Machine, xid } from '../decide/machine.js';
import { initiated, planned, request, spec } from '../decide/requests.js';

const moment = { now: 2_000_000, draw: 0.5, me: coordinator('b') };
const waiting = (input: Input) => ({ input, answers: undefined, resolve: () => undefined, reject: () => undefined });

const logOf = ({ rows }: Machine): LogRow[] =>
  rows.map((row) => ({ ...row, version: 1, events: JSON.stringify(row.events) }));

test('inputs that are decided together are decided one upon the other, and each has its verdict', (t) => {
  const inputs: Input[] = [
    { type: 'commit' },
    request(),
    { type: 'add_branch', spec: spec({ id: 'a' }) },
    { type: 'add_branch', spec: spec({ id: 'a' }) },
    { type: 'rollback_only', reason: 'no' },
  ];
  const { state, events, verdicts } = decideAll(xid, undefined, inputs.map(waiting), moment);
  t.deepEqual(
    verdicts.map(({ kind }) => kind),
    ['refuse', 'append', 'append', 'same', 'append'],
  );
  t.deepEqual(
    events.map(({ type }) => type),
    ['opened', 'branch_added', 'rollback_only'],
  );
  t.is(state?.branches.length, 1);
  t.is(state?.rollbackOnly, 'no');
  const row = rowFrom(xid, undefined, events, moment, 'append-1');
  t.deepEqual(foldLog([{ ...row, version: 1, events: JSON.stringify(events) }])?.branches, state?.branches);
});

test('a row stands behind the state that it was decided upon', (t) => {
  const machine = initiated(['a', 'b']);
  const events = [{ type: 'closed' }] as const;
  t.deepEqual(rowFrom(xid, machine.state, events, moment, 'append-4'), {
    xid,
    seq: 4,
    append: 'append-4' as never,
    appender: coordinator('b'),
    at: 2_000_000,
    events,
  });
  t.is(rowFrom(xid, undefined, events, moment, 'append-1').seq, 1);
});

test('a summary is appended with the row where somebody would notice', (t) => {
  const machine = initiated(['a']);
  const row = machine.rows[0]!;
  const summary = summaryOf(machine.current);
  t.like(summary, { name: 'checkout', owner: coordinator('a'), status: 'active', dueAt: null });
  const append = appendOf(row, null, undefined, summary);
  t.deepEqual(append, {
    xid,
    seq: 1,
    append: row.append,
    appender: coordinator('a'),
    version: 1,
    at: 1_000_000,
    events: JSON.stringify(row.events),
    seen: null,
    summary,
  });
  t.is(appendOf(row, row.append, summary, { ...summary }).summary, null);
  t.is(appendOf(row, row.append, summary, summary).seen, row.append);
});

test('the state of a log is that of its rows, also where it goes on from what is known', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }]);
  machine.done(1);
  const known = machine.current;
  machine.done(2);
  const log = logOf(machine);
  t.is(foldLog([]), undefined);
  t.deepEqual(foldLog(log), machine.state);
  t.deepEqual(foldLog(log, known), machine.state);
  t.is(foldLog(log.slice(0, 2), known), known, 'nothing came after it');
  // Rows that are known already are not read again.
  t.deepEqual(
    foldLog([{ ...log[0]!, events: 'unread' }, { ...log[1]!, events: 'unread' }, log[2]!], known),
    machine.state,
  );
});

test('H14 a log that is not the one that is known is folded whole', (t) => {
  const machine = planned([{ id: 'a' }, { id: 'b' }]);
  machine.done(1);
  const known = machine.current;
  const log = logOf(machine);
  t.is(foldLog(log.slice(0, 1), known)?.seq, 1, 'it lost its tail');
  const other = { ...log[1]!, append: 'another' as LogRow['append'] };
  t.is(foldLog([log[0]!, other], known)?.append, other.append);
});

test('inputs are decided upon the state that is there', (t) => {
  const machine = initiated(['a']);
  const { state, events, verdicts } = decideAll(xid, machine.state, [waiting({ type: 'commit' })], moment);
  t.deepEqual([verdicts.length, events.map(({ type }) => type)], [1, ['closed']]);
  t.true(state?.closing);
  const stale = decideAll(xid, machine.state, [waiting({ type: 'deadline' })], moment);
  t.is(stale.state, machine.state);
});

test.serial('planted order-by-time: a log is folded by its numbers, whatever its times are', (t) => {
  const machine = planned([{ id: 'a' }]);
  machine.now -= 1000;
  machine.done(1);
  t.is(foldLog(logOf(machine))?.decision, 'commit');
  armed.planted.add('order-by-time');
  t.teardown(() => armed.planted.delete('order-by-time'));
  t.throws(() => foldLog(logOf(machine)), { message: /expected 'opened' first, got 'branch_done'/ });
});

test('H12 a log that does not fold is corrupt, and says why', (t) => {
  const log = logOf(planned([{ id: 'a' }]));
  for (const [rows, message] of [
    [[{ ...log[0]!, seq: 2 }], /^a log that does not fold: .*expected row 1 of the log, got row 2/],
    [[{ ...log[0]!, events: '[' }], /^a log that does not fold: .*JSON/],
  ] as const) {
    const error = t.throws<StoreError>(() => foldLog(rows), { message });
    t.is(error?.kind, 'corrupt');
    t.true(error?.cause instanceof Error);
  }
});

test.serial('tests can stop the process around each row by what is in it', (t) => {
  const reached: string[] = [];
  armed.onReach = (name) => reached.push(name);
  t.teardown(() => {
    armed.onReach = undefined;
  });
  const machine = planned([{ id: 'a' }]);
  machine.done(1);
  const [opened, done] = machine.rows;
  const adopted = { type: 'adopted', from: coordinator('a') } as const;
  for (const events of [opened!.events, done!.events, done!.events.slice(0, 1), [adopted], []]) {
    reachBefore(events);
    reachAfter(events);
  }
  t.deepEqual(reached, [
    ...['before-open-append', 'after-open-append'],
    ...['before-decision-append', 'before-end-append', 'after-decision-append', 'after-end-append'],
    ...['before-result-append', 'after-result-append'],
    ...['before-adopt-append', 'after-adopt-append'],
    ...['before-result-append', 'after-result-append'],
  ]);
});
