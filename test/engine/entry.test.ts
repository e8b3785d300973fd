import test from 'ava';
import { Doubts } from '../../coordinator/engine/doubts.js';
import { Entry, type Waiting } from '../../coordinator/engine/entry.js';
import type { Xid } from '../../sdk/protocol/ids.js';

const waiting = (reason: string): Waiting => ({
  input: { type: 'rollback', reason },
  answers: undefined,
  resolve: () => undefined,
  reject: () => undefined,
});
const reasons = (batch: readonly Waiting[]) => batch.map(({ input }) => 'reason' in input && input.reason).join(' ');

function entryWith(...all: readonly string[]): Entry {
  const entry = new Entry('x' as Xid);
  entry.inputs.push(...all.map(waiting));
  return entry;
}

test('what lost its race is decided again before what came meanwhile', (t) => {
  const entry = entryWith('a', 'b');
  const batch = entry.take();
  entry.inputs.push(waiting('c'));
  entry.putBack(batch);
  t.is(reasons(entry.take()), 'a b c');
});

test('inputs that cannot be stored together stay apart, also where one of them has to be decided again', (t) => {
  const entry = entryWith('a', 'b', 'c');
  entry.putBack(entry.take(), 'one by one');
  const first = entry.take();
  t.is(reasons(first), 'a');
  entry.putBack(first);
  entry.inputs.push(waiting('d'), waiting('e'));
  t.deepEqual([entry.take(), entry.take(), entry.take()].map(reasons), ['a', 'b', 'c']);
  t.is(reasons(entry.take()), 'd e', 'and then no longer');
});

test('I10 doubts too many to be named are all of them, once', (t) => {
  const doubts = new Doubts();
  for (let i = 0; i < 10_000; i++) doubts.add(`x${i}` as Xid);
  t.is(doubts.take().length, 10_000);
  for (let i = 0; i <= 10_000; i++) doubts.add(`x${i}` as Xid);
  t.is(doubts.take(), 'all');
  t.deepEqual(doubts.take(), []);
});
