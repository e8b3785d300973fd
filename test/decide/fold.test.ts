import test from 'ava';
import { Draft } from '../../coordinator/decide/draft.js';
import type { Event } from '../../coordinator/decide/events.js';
import { foldRow, type Row } from '../../coordinator/decide/fold.js';
import { coordinator, Machine, xid } from './machine.js';
import { planned } from './requests.js';

const rowOf = (machine: Machine, seq: number, events: readonly Event[]): Row => ({
  xid,
  seq,
  append: `append-${seq}` as Row['append'],
  appender: coordinator('a'),
  at: machine.now,
  events,
});

test('I11 H12 a log that does not fold is corrupt: a gap, no beginning, two beginnings, a branch that is not there', (t) => {
  const machine = planned([{ id: 'a' }]);
  const [opened] = machine.rows[0]!.events;
  t.throws(() => foldRow(machine.state, rowOf(machine, 3, [{ type: 'closed' }])), {
    message: /expected row 2 of the log, got row 3/,
  });
  t.throws(() => foldRow(undefined, rowOf(machine, 1, [{ type: 'closed' }])), {
    message: /expected 'opened' first, got 'closed'/,
  });
  t.throws(() => foldRow(undefined, rowOf(machine, 1, [])), { message: /expected row 1/ });
  t.throws(() => foldRow(machine.state, rowOf(machine, 2, [opened!])), { message: /opened twice/ });
  const nobody: Event = { type: 'branch_undone', branch: 9, attempt: 1 };
  t.throws(() => foldRow(machine.state, rowOf(machine, 2, [nobody])), {
    message: /the log names branch 9, there are 1/,
  });
});

test('L3 G7 an event of a newer version stops the fold and is named', (t) => {
  const machine = planned([{ id: 'a' }]);
  const newer = { type: 'dreamt' } as unknown as Event;
  t.throws(() => foldRow(machine.state, rowOf(machine, 2, [newer])), {
    message: /row 2 has an event this version does not know.*dreamt/,
  });
});

test('I11 an event that its branch or its check is not in the place for does not fold, and both are named', (t) => {
  const machine = planned([{ id: 'a', kind: 'tcc' }, { id: 'b' }]);
  const misplaced: readonly [Event, RegExp][] = [
    [
      { type: 'attempt_failed', branch: 2, op: 'action', attempt: 1, error: 'no', dueAt: 0 },
      /'attempt_failed' of branch 'b', which is waiting, not asked/,
    ],
    [
      { type: 'branch_resolved', branch: 1, as: 'done', output: null, reason: 'seen', by: 'ann' },
      /'branch_resolved' of branch 'a', which is asked, not parked/,
    ],
    [{ type: 'check_failed', attempt: 1, error: 'no', dueAt: 0 }, /'check_failed', and no check is asked/],
  ];
  for (const [event, message] of misplaced) {
    t.throws(() => foldRow(machine.state, rowOf(machine, 2, [event])), { message });
  }
});

test('a draft has no state before something is opened', (t) => {
  const row = rowOf(new Machine(), 1, []);
  const draft = new Draft(undefined, row, { now: 0, draw: 0, me: row.appender });
  t.throws(() => draft.state, { message: 'tx-1: nothing is opened yet' });
  t.is(draft.seq, 1);
});

test('nothing is decided upon a transaction that is not there', (t) => {
  t.is(new Machine().put({ type: 'adopt', from: coordinator('a') }).kind, 'stale');
});
