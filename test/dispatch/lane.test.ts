import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { Bucket } from '../../coordinator/dispatch/bucket.js';
import { type Errand, Lane, type Limits } from '../../coordinator/dispatch/lane.js';
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
  const gone = { first: 0, again: 0, end: 0 };
  const enter = async (errand: Errand): Promise<void> => {
    if (!lane.tryEnter(errand) && (await lane.wait(errand).turn) !== 'go') return;
    gone[errand === 'begin' ? 'first' : errand]++;
  };
  return {
    clock,
    lane,
    gone,
    limit: (change: Partial<Limits>) => lane.limit({ ...usual, ...limits, ...change }),
    /** So many want to go. */
    come: (count: number, errand: Errand = 'begin') => {
      for (let i = 0; i < count; i++) void enter(errand);
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

/** Bytes on the heap once that was done and cleared away. */
async function heapAfter(work: () => void): Promise<number> {
  work();
  await settled();
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

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
    come(9, 'again');
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
  come(10_000, 'again');
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

test('J1 J2 calls that were begun before it opened, and take long, neither keep it closed to others nor open it again', async (t) => {
  const { clock, lane, gone, come, end } = laneWith({ concurrency: 16 });
  const begunAt = clock.monotonic();
  come(13);
  end(10, failed);
  t.is(lane.health().breaker, 'open');
  come(5);
  clock.advance(500);
  await settled();
  t.is(gone.first, 14, 'one goes though three are under way');
  lane.exit(failed, begunAt);
  t.is(lane.health().breaker, 'half_open', 'what was sent before says nothing of now');
  end(1);
  await settled();
  t.is(gone.first, 16);
  end(2);
  await settled();
  t.is(gone.first, 18);
  end(2);
  lane.exit(done, begunAt);
  lane.exit(done, begunAt);
  t.like(lane.health(), { inFlight: 0, held: 0 });
});

test('J1 a breaker whose time is over is not told as open for ever, though nobody comes to try', (t) => {
  const { clock, lane, come, end } = laneWith({ concurrency: 64 });
  come(64);
  end(64, failed);
  t.like(lane.health(), { breaker: 'open', failureShare: 1 });
  clock.advance(60_000);
  t.like(lane.health(), { breaker: 'half_open', failureShare: 0, held: 0, lastError: 'answered 500' });
});

test('J1 J2 a call that tries whether the target is back, and takes hours, keeps it closed to others for five seconds', async (t) => {
  const { clock, lane, gone, come, end } = laneWith({ concurrency: 16 });
  come(10);
  end(10, failed);
  come(10);
  clock.advance(500);
  const begunAt = clock.monotonic();
  await settled();
  t.is(gone.first, 11);
  clock.advance(4999);
  await settled();
  t.is(gone.first, 11);
  clock.advance(1);
  await settled();
  t.is(gone.first, 12, 'another tries');
  lane.exit(failed, begunAt);
  t.is(lane.health().breaker, 'half_open', 'what was sent so long ago says nothing of now');
  end(1);
  await settled();
  t.is(gone.first, 14, 'one was answered, so two may go');
  clock.advance(4000);
  end(1);
  clock.advance(4000);
  await settled();
  t.is(gone.first, 15, 'as long as calls end, no more go than may');
  end(2);
  t.is(lane.health().held, 1);
});

test.serial('planted no-breaker: the lane above is seen to send on', async (t) => {
  plant(t, 'no-breaker');
  plant(t, 'no-retry-budget');
  const { gone, come, end } = laneWith({ concurrency: 64 });
  come(10_000, 'again');
  for (let i = 0; i < 10; i++) {
    await settled();
    end(64, failed);
  }
  t.true(gone.again > 600);
});

test('whoever left is passed over, and no timer is left behind', async (t) => {
  const { clock, lane } = laneWith({ perSecond: 1 });
  t.true(lane.tryEnter('begin'));
  const places = [lane.wait('begin'), lane.wait('begin')];
  t.is(clock.waiting(), 1);
  places[0]!.leave('recalled');
  clock.advance(1000);
  t.is(await places[1]!.turn, 'go');
  t.is(lane.health().held, 0);
  t.is(clock.waiting(), 0);
  lane.wait('begin').leave('stopped');
  lane.stopTimer();
  t.is(clock.waiting(), 0);
});

test('J1 those who left a lane that stands still are not kept', async (t) => {
  const { lane } = laneWith({ paused: true });
  lane.wait('begin');
  const before = await heapAfter(() => undefined);
  const after = await heapAfter(() => {
    for (let i = 0; i < 100_000; i++) lane.wait('begin').leave('recalled');
  });
  t.is(lane.health().held, 1);
  t.true(after - before < 4_000_000, `${after - before} bytes are kept`);
});

test('I10 I14 with more to begin than a target may be sent, what was begun is ended first', async (t) => {
  const { gone, come, end, pass } = laneWith({ perSecond: 10, concurrency: 2 });
  come(1000);
  for (let i = 0; i < 20; i++) {
    come(1, 'end');
    await pass(100);
    end(1);
  }
  t.true(gone.end >= 18, `${gone.end} of 20 ended`);
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
