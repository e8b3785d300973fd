import test from 'ava';
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

test('nothing is decided upon a transaction that is not there', (t) => {
  t.is(new Machine().put({ type: 'adopt', from: coordinator('a') }).kind, 'stale');
});
