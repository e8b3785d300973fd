import test from 'ava';
import { systemChance, systemClock } from '../../coordinator/clock.js';
import { manualClock } from '../helpers/clock.js';
import { plant } from './participants.js';

/** Puts this machine's wall clock wrong while the work runs. */
function withWallClock<Result>(now: number, work: () => Result): Result {
  const real = Date.now;
  Date.now = () => now;
  try {
    return work();
  } finally {
    Date.now = real;
  }
}

test('now is a sample of the store carried on by monotonic time, in whole ms', (t) => {
  const clock = systemClock();
  clock.set(1_900_000_000_000);
  const before = clock.monotonic();
  const now = clock.now();
  t.true(now >= 1_900_000_000_000 && now < 1_900_000_001_000);
  t.true(Number.isInteger(now));
  t.true(clock.monotonic() >= before);
  t.true(clock.now() >= now);
});

test.serial('F2 a jump of the wall clock changes neither now nor monotonic', (t) => {
  const clock = systemClock();
  clock.set(1_900_000_000_000);
  const monotonic = clock.monotonic();
  for (const jump of [-3_600_000, 3_600_000]) {
    const now = withWallClock(Date.now() + jump, () => clock.now());
    t.true(Math.abs(now - 1_900_000_000_000) < 1000);
    t.true(withWallClock(Date.now() + jump, () => clock.monotonic()) - monotonic < 1000);
  }
});

test.serial('F2 on the wall clock, a jump would be seen', (t) => {
  plant(t, 'use-the-wall-clock');
  const clock = systemClock();
  clock.set(1_900_000_000_000);
  t.is(
    withWallClock(12_345, () => clock.now()),
    12_345,
  );
});

test.serial('F7 a wait of more than 24.8 days does not fire at once: it is cut to a day', (t) => {
  const delays: unknown[] = [];
  const real = globalThis.setTimeout;
  globalThis.setTimeout = ((_callback: () => void, delay: number) => {
    delays.push(delay);
    return undefined;
  }) as unknown as typeof setTimeout;
  t.teardown(() => {
    globalThis.setTimeout = real;
  });
  const clock = systemClock();
  for (const delay of [2 ** 31, 365 * 24 * 3_600_000, Number.POSITIVE_INFINITY, 5, -1])
    clock.after(delay, () => t.fail());
  globalThis.setTimeout = real;
  t.deepEqual(delays, [86_400_000, 86_400_000, 86_400_000, 5, 0]);
});

test('a wait calls back once, and not when it is cancelled', async (t) => {
  const clock = systemClock();
  const cancel = clock.after(1, () => t.fail());
  cancel();
  let calls = 0;
  await new Promise<void>((resolve) => {
    clock.after(2, () => {
      calls++;
      resolve();
    });
  });
  cancel();
  t.is(calls, 1);
});

test('E5 ids are 128 random bits in hex, each its own', (t) => {
  const { id } = systemChance();
  const ids = Array.from({ length: 10_000 }, id);
  t.true(ids.every((one) => /^[0-9a-f]{32}$/.test(one)));
  t.is(new Set(ids).size, ids.length);
  const { draw } = systemChance();
  t.true(Array.from({ length: 1000 }, draw).every((one) => one >= 0 && one < 1));
});

test('a uuid is of version 7, names its moment, and sorts behind the one before', (t) => {
  const { uuid } = systemChance();
  const before = Date.now();
  const uuids = Array.from({ length: 20_000 }, uuid);
  t.true(uuids.every((one) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(one)));
  t.deepEqual(uuids, uuids.toSorted());
  t.is(new Set(uuids).size, uuids.length);
  const moment = Number.parseInt(uuids[0]!.replace('-', '').slice(0, 12), 16);
  t.true(moment >= before && moment <= Date.now());
});

test.serial('F2 uuids go on sorting when the wall clock goes back', (t) => {
  const { uuid } = systemChance();
  const now = Date.now();
  const uuids = [now, now - 3_600_000, now - 3_600_000, now].map((at) => withWallClock(at, uuid));
  t.deepEqual(uuids, uuids.toSorted());
});

test('the manual clock stands still until it is moved, and calls back in order of time', (t) => {
  const clock = manualClock(1000);
  const calls: string[] = [];
  clock.after(20, () => calls.push(`b ${clock.now()}`));
  clock.after(10, () => {
    calls.push(`a ${clock.now()}`);
    clock.after(5, () => calls.push(`c ${clock.now()}`));
  });
  clock.after(15, () => calls.push('never'))();
  t.is(clock.now(), 1000);
  clock.advance(20);
  t.deepEqual(calls, ['a 1010', 'c 1015', 'b 1020']);
  clock.set(5000);
  t.is(clock.now(), 5000);
  t.is(clock.monotonic(), 20);
});
