import test from 'ava';
import { Deadlines } from '../../coordinator/dispatch/deadlines.js';
import { manualClock } from '../helpers/clock.js';

test('K3 deadlines that fall due together share a timer, and none comes early or more than 50 ms late', (t) => {
  const clock = manualClock();
  const deadlines = new Deadlines(clock);
  const late: number[] = [];
  for (const delayMs of [101, 120, 149.5, 150]) deadlines.after(delayMs, () => late.push(clock.monotonic() - delayMs));
  t.is(clock.waiting(), 1);
  clock.advance(149);
  t.deepEqual(late, []);
  clock.advance(1);
  t.deepEqual(late, [49, 30, 0.5, 0]);
  t.is(clock.waiting(), 0);
});

test('a deadline that is cancelled does not come, and closing leaves no timer', (t) => {
  const clock = manualClock();
  const deadlines = new Deadlines(clock);
  const came: string[] = [];
  deadlines.after(50, () => came.push('kept'));
  deadlines.after(50, () => came.push('cancelled'))();
  clock.advance(50);
  t.deepEqual(came, ['kept']);
  deadlines.after(1000, () => came.push('closed'));
  deadlines.close();
  t.is(clock.waiting(), 0);
  deadlines.after(0, () => came.push('at once'));
  clock.advance(50);
  t.deepEqual(came, ['kept', 'at once']);
});
