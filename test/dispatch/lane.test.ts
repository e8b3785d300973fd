import test from 'ava';
import { Bucket } from '../../coordinator/dispatch/bucket.js';
import { Lane, type Limits } from '../../coordinator/dispatch/lane.js';
import { Recent } from '../../coordinator/dispatch/recent.js';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import { manualClock } from '../helpers/clock.js';
import { plant } from './participants.js';

const done: Reply = { kind: 'done', output: null };
const failed: Reply = { kind: 'unknown', error: 'answered 500' };

/** A lane, and how many of those that wait in it have gone. */
function laneWith(limits: Partial<Limits> = {}) {
  const clock = manualClock();
  const usual: Limits = { concurrency: 1000, perSecond: null, paused: false };
  const lane = new Lane(clock, { ...usual, ...limits });
  const gone = { first: 0, again: 0 };
  const enter = async (isRepeat: boolean): Promise<void> => {
    if (!lane.tryEnter(isRepeat) && (await lane.wait(isRepeat).turn) !== 'go') return;
    gone[isRepeat ? 'again' : 'first']++;
  };
  return {
    clock,
    lane,
    gone,
    limit: (change: Partial<Limits>) => lane.limit({ ...usual, ...limits, ...change }),
    /** So many want to go. */
    come: (count: number, isRepeat = false) => {
      for (let i = 0; i < count; i++) void enter(isRepeat);
    },
    /** So many calls end. */
    end: (count: number, reply: Reply | undefined = done) => {
      for (let i = 0; i < count; i++) lane.exit(reply);
    },
    /** Lets time pass, in steps of a ms. */
    async pass(ms: number) {
      for (let i = 0; i < ms; i++) {
        clock.advance(1);
        await Promise.resolve();
      }
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('I14 no second has more calls than the rate and a tenth of it, and none is lost', async (t) => {
  const { gone, come, end, pass } = laneWith({ perSecond: 100 });
  come(1000);
  const begun = [0];
  for (let second = 0; second < 9; second++) {
    await pass(1000);
    begun.push(gone.first);
    end(gone.first - begun.at(-2)!);
  }
  const perSecond = begun.slice(1).map((count, i) => count - begun[i]!);
  for (const count of perSecond) t.true(count >= 99 && count <= 110, perSecond.join());
});

test.serial('planted lanes-without-limits: the rate above is seen to be passed', async (t) => {
  plant(t, 'lanes-without-limits');
  const { gone, come, pass } = laneWith({ perSecond: 100, concurrency: 5 });
  come(1000);
  await pass(1000);
  t.is(gone.first, 1000);
});

test('a rate below one a second holds back that long', async (t) => {
  const { clock, gone, come } = laneWith({ perSecond: 0.1 });
  come(3);
  await settled();
  t.is(gone.first, 1);
  clock.advance(9_900);
  await settled();
  t.is(gone.first, 1);
  clock.advance(200);
  await settled();
  t.is(gone.first, 2);
});

test('what was not sent after all gives its share of the rate back', async (t) => {
  const { gone, come, end } = laneWith({ perSecond: 1 });
  come(2);
  await settled();
  t.is(gone.first, 1);
  end(1, { kind: 'unknown', error: 'not sent', sent: false });
  await settled();
  t.is(gone.first, 2);
});

test('paused, nothing goes; what is under way ends; then all goes on', async (t) => {
  const { clock, lane, gone, limit, come, end } = laneWith();
  come(2);
  limit({ paused: true });
  come(3);
  end(2);
  clock.advance(3_600_000);
  await settled();
  t.like(lane.health(), { inFlight: 0, held: 3 });
  limit({ paused: false });
  await settled();
  t.is(gone.first, 5);
});

test('a limit that is set holds for what waits already, either way', async (t) => {
  const { lane, gone, limit, come, end } = laneWith({ concurrency: 1 });
  come(10);
  limit({ concurrency: 4 });
  await settled();
  t.is(gone.first, 4);
  limit({ concurrency: 2 });
  end(2);
  await settled();
  t.is(gone.first, 4, 'two are under way still');
  end(1);
  await settled();
  t.is(gone.first, 5);
  t.like(lane.health(), { inFlight: 2, held: 5 });
});

/** Eight of ten calls fail, and nine of ten are repeats of such. */
async function struggling() {
  const parts = laneWith();
  const { come, end, pass, gone } = parts;
  for (let i = 0; i < 10; i++) {
    come(1);
    end(1, i % 5 === 0 ? done : failed);
  }
  gone.first = 0;
  for (let i = 0; i < 100; i++) {
    come(1);
    come(9, true);
    await pass(100);
    end(Math.min(parts.lane.health().inFlight, 1), i % 5 === 0 ? done : failed);
    end(parts.lane.health().inFlight, failed);
  }
  return gone;
}

test('J1 I14 while a target fails, repeats are a share of the first attempts and ten a second', async (t) => {
  const gone = await struggling();
  t.is(gone.first, 100, 'first attempts are not held back by repeats');
  t.true(gone.again <= 20 + 10 * 10 + 10, `${gone.again}`);
  t.true(gone.again >= 100, `${gone.again}`);
});

test.serial('planted no-retry-budget: the bound above is seen to be passed', async (t) => {
  plant(t, 'no-retry-budget');
  t.is((await struggling()).again, 900);
});

test('J1 J2 nobody answers: one call at a time goes out, and when they are answered again all go', async (t) => {
  const { clock, lane, gone, come, end } = laneWith({ concurrency: 64 });
  come(64);
  end(64, failed);
  t.like(lane.health(), { breaker: 'open', failureShare: 1, lastError: 'answered 500', since: clock.now() });
  come(10_000, true);
  for (let i = 0; i < 12; i++) {
    clock.advance(5000);
    await settled();
    t.is(gone.again, i + 1);
    t.is(lane.health().breaker, 'half_open');
    end(1, failed);
  }
  clock.advance(5000);
  const rounds: number[] = [];
  while (gone.again < 10_000) {
    await settled();
    const { inFlight } = lane.health();
    rounds.push(inFlight);
    end(inFlight);
  }
  t.deepEqual(rounds.slice(0, 8), [1, 2, 4, 8, 16, 32, 64, 64]);
  t.is(lane.health().breaker, 'closed');
});

test.serial('planted no-breaker: the lane above is seen to send on', async (t) => {
  plant(t, 'no-breaker');
  plant(t, 'no-retry-budget');
  const { gone, come, end } = laneWith({ concurrency: 64 });
  come(10_000, true);
  for (let i = 0; i < 10; i++) {
    await settled();
    end(64, failed);
  }
  t.true(gone.again > 600);
});

test('whoever left is passed over, and no timer is left behind', async (t) => {
  const { clock, lane } = laneWith({ perSecond: 1 });
  t.true(lane.tryEnter(false));
  const places = [lane.wait(false), lane.wait(false)];
  t.is(clock.waiting(), 1);
  places[0]!.leave('recalled');
  clock.advance(1000);
  t.is(await places[1]!.turn, 'go');
  t.is(lane.health().held, 0);
  t.is(clock.waiting(), 0);
  lane.wait(false).leave('stopped');
  lane.stopTimer();
  t.is(clock.waiting(), 0);
});

test('a bucket never holds more than it may, and time that goes back gives nothing', (t) => {
  const bucket = new Bucket(10, 2, 0);
  t.is(bucket.waitMs(60_000), 0);
  bucket.take();
  bucket.take();
  t.is(bucket.waitMs(60_000), 100);
  t.is(bucket.waitMs(59_000), 100);
  bucket.add(5);
  bucket.take();
  bucket.take();
  t.is(bucket.waitMs(60_000), 100);
});

test('what is recent is forgotten after five to ten seconds', (t) => {
  const recent = new Recent();
  recent.note(true, 0);
  recent.note(false, 4999);
  t.is(recent.failureShare(5000), 0.5);
  t.is(recent.calls(9999), 2);
  t.is(recent.calls(10_000), 0);
  recent.note(true, 11_000);
  t.is(recent.failureShare(30_000), 0);
});
