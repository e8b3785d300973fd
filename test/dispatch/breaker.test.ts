import test from 'ava';
import { Breaker } from '../../coordinator/dispatch/breaker.js';

const width = 8;

/** A breaker that has just opened, after so many calls that nobody answered. */
function opened(at = 0): Breaker {
  const breaker = new Breaker();
  for (let i = 0; i < 10; i++) breaker.failed(at, width);
  return breaker;
}

test('J1 it opens when ten calls in a row failed and nobody has answered for a second', (t) => {
  const breaker = new Breaker();
  breaker.answered(0, width);
  for (let i = 0; i < 100; i++) breaker.failed(999, width);
  t.is(breaker.state, 'closed', 'somebody answered within the second');
  breaker.failed(1000, width);
  t.is(breaker.state, 'open');
  t.is(breaker.room(1000), 0);
});

test('as long as anybody is answered now and then it stays closed', (t) => {
  const breaker = new Breaker();
  for (let now = 0; now < 60_000; now += 10)
    now % 500 === 0 ? breaker.answered(now, width) : breaker.failed(now, width);
  t.is(breaker.state, 'closed');
});

test('J1 open, it lets one call through after half a second, and waits longer each time that fails, five seconds at most', (t) => {
  const breaker = opened();
  const waits: number[] = [];
  for (let now = 0, i = 0; i < 6; i++) {
    const waitMs = breaker.waitMs(now);
    waits.push(waitMs);
    t.is(breaker.room(now + waitMs - 1), 0);
    now += waitMs;
    t.is(breaker.room(now), 1);
    t.is(breaker.state, 'half_open');
    breaker.failed(now, width);
    t.is(breaker.state, 'open');
  }
  t.deepEqual(waits, [500, 1000, 2000, 4000, 5000, 5000]);
});

test('J2 who comes back gets twice as many calls at once with each round that is answered, until there is room for all', (t) => {
  const breaker = opened();
  const rooms: number[] = [];
  while (breaker.room(500) < Number.POSITIVE_INFINITY) {
    const room = breaker.room(500);
    rooms.push(room);
    for (let i = 0; i < room; i++) breaker.answered(500, width);
  }
  t.deepEqual(rooms, [1, 2, 4]);
  t.is(breaker.state, 'closed');
});

test('one bad command does not keep it from coming back: a round counts by most of its calls', (t) => {
  const breaker = opened();
  breaker.room(500);
  breaker.answered(500, width);
  breaker.answered(500, width);
  breaker.answered(500, width);
  t.is(breaker.room(500), 4);
  breaker.failed(500, width);
  for (let i = 0; i < 3; i++) breaker.answered(500, width);
  t.is(breaker.state, 'closed');
});

test('J2 it opens again when most of a round failed', (t) => {
  const breaker = opened();
  breaker.room(500);
  breaker.answered(500, width);
  breaker.answered(500, width);
  breaker.failed(500, width);
  t.is(breaker.state, 'open');
  t.is(breaker.waitMs(500), 1000);
});

test('J5 a target that asks to be left alone is, a minute at most, unless others are answered there', (t) => {
  const asked = new Breaker();
  asked.failed(0, width, 7000);
  t.is(asked.waitMs(0), 7000);
  t.is(asked.room(6999), 0);
  t.is(asked.room(7000), 1);
  const long = new Breaker();
  long.failed(0, width, 3_600_000);
  t.is(long.waitMs(0), 60_000);
  const busy = new Breaker();
  busy.answered(0, width);
  busy.failed(500, width, 7000);
  t.is(busy.state, 'closed');
});

test('what was under way when it opened prolongs it only where it asks for more', (t) => {
  const breaker = opened();
  breaker.failed(100, width);
  t.is(breaker.waitMs(100), 400);
  breaker.failed(100, width, 3000);
  t.is(breaker.waitMs(100), 3000);
});
