import test from 'ava';
import { commandFor, outstanding } from '../../coordinator/decide/outstanding.js';
import { agendaOf, stillToSend } from '../../coordinator/engine/agenda.js';
import { Hands } from '../../coordinator/engine/hands.js';
import { coordinator, type Machine } from '../decide/machine.js';
import { add, initiated } from '../decide/requests.js';

const [a, b, c] = [coordinator('a'), coordinator('b'), coordinator('c')];

/** Branch 1 was asked by `a`, and `b`, which appended last, owns it. */
function handedOver(): Machine {
  const machine = initiated(['one']);
  machine.me = b;
  add(machine, 'two');
  return machine;
}

test('H3 only the owner gives up on the command of another, when it has expired and not before', (t) => {
  const machine = handedOver();
  const { expiresAt } = machine.outstandingOf(1);
  const given = (me: typeof a, now: number) =>
    agendaOf(machine.current, new Hands(), me, now).gone.map(({ one }) => one.branch);
  t.deepEqual(given(b, expiresAt - 1), []);
  t.deepEqual(given(b, expiresAt), [1]);
  t.deepEqual(given(c, expiresAt), []);
  t.is(agendaOf(machine.current, new Hands(), b, expiresAt - 1).next, expiresAt, 'and looks again by then');
});

test('F2 the deadline has come by the clock alone: where that was set back, the mind would not take it, for ever and ever', (t) => {
  const machine = initiated(['one'], { deadlineAt: 5000 });
  const came = (now: number, clockNow: number) =>
    agendaOf(machine.current, new Hands(), machine.me, now, clockNow).deadlineCame;
  t.true(came(5000, 5000));
  t.false(came(5000, 4999));
});

test('H3 who is not the owner sends its command only while the owner surely waits for it', (t) => {
  const machine = handedOver();
  const { work, expiresAt } = machine.outstandingOf(1);
  const half = work.dueAt + (expiresAt - work.dueAt) / 2;
  const sent = (now: number) => agendaOf(machine.current, new Hands(), a, now).send.map(({ branch }) => branch);
  t.deepEqual(sent(half), [1]);
  t.deepEqual(sent(half + 1), []);
});

test('a command that waited is sent only by the owner, and only while that very attempt is asked', (t) => {
  const machine = initiated(['one']);
  const [first] = outstanding(machine.current);
  const command = commandFor(machine.current, first!, machine.now)!;
  t.is(stillToSend(machine.current, command, a)?.work.attempt, 1);
  machine.unknown(1);
  t.is(stillToSend(machine.current, command, a), undefined, 'a newer attempt is due');
  const moved = handedOver();
  t.is(stillToSend(moved.current, command, a), undefined, 'another owns it');
});
