import test from 'ava';
import { Lives } from '../../coordinator/dispatch/lives.js';
import type { CoordinatorId } from '../../sdk/protocol/ids.js';
import { World } from '../engine/clock.js';

const me = { id: 'me' as CoordinatorId, host: 'here', pid: 1, leaseMs: 9000 };
const theirs = { id: 'other' as CoordinatorId, host: 'there', pid: 2, leaseMs: 9000 };

test('I4 a lease that is renewed while it is watched is not over, whatever its time says', (t) => {
  const clock = new World().clock();
  const lives = new Lives({ me, clock, isAlive: () => true });
  const longAgo = clock.now() - 100_000;
  t.true(lives.isOver({ ...theirs, renewedAt: longAgo }), 'at the first look there is nothing but its time');
  t.false(lives.isOver({ ...theirs, renewedAt: longAgo + 3000 }));
});

test('I4 a lease of tomorrow that nobody renews is over after its time', async (t) => {
  const world = new World();
  const clock = world.clock();
  const lives = new Lives({ me, clock, isAlive: () => true });
  const lease = { ...theirs, renewedAt: clock.now() + 100_000 };
  t.false(lives.isOver(lease));
  await world.advance(8999);
  t.false(lives.isOver(lease));
  await world.advance(1);
  t.true(lives.isOver(lease));
});
