import test from 'ava';
import { Dispatcher, type DispatcherOptions } from '../../coordinator/dispatch/dispatcher.js';
import { Lanes } from '../../coordinator/dispatch/lanes.js';
import type { Reply, Transport } from '../../coordinator/dispatch/transport.js';
import { armed } from '../../coordinator/faults/armed.js';
import { memoryQueue } from '../../coordinator/queue/memory.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { manualClock } from '../helpers/clock.js';
import { command, signal } from './participants.js';

const done: Reply = { kind: 'done', output: null };
const slow = 'http://127.0.0.1:1/slow';
const fast = 'http://127.0.0.1:2/fast';

/** Everything the dispatcher does, in order, and the calls that wait for their answer. */
function setup({ width = 256, ...options }: Partial<DispatcherOptions> & { readonly width?: number } = {}) {
  const sent: Command[] = [];
  const reported: [Command, Reply][] = [];
  const errors: unknown[] = [];
  const answers = new Map<Command, (reply: Reply) => void>();
  const transport: Transport = {
    send(sending) {
      sent.push(sending);
      const { came, give } = signal<Reply>();
      answers.set(sending, give);
      return came;
    },
    close: async () => undefined,
  };
  const clock = manualClock(Date.now());
  const queue = memoryQueue({ clock });
  const door = new Dispatcher({
    transport,
    queue,
    clock,
    lanes: new Lanes(clock, width),
    report: async (...what) => {
      reported.push(what);
    },
    onError: (error) => errors.push(error),
    ...options,
  });
  return {
    door,
    queue,
    clock,
    sent,
    reported,
    errors,
    answer: (to: Command, reply = done) => answers.get(to)?.(reply),
  };
}

/** Lets everything that is ready to run do so. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a command is sent and what came of it is reported', async (t) => {
  const { door, queue, sent, reported, answer } = setup();
  const one = command(fast);
  queue.add([one]);
  await settled();
  t.deepEqual(sent, [one]);
  t.is(door.inFlight(), 1);
  answer(one);
  await settled();
  t.deepEqual(reported, [[one, done]]);
  t.is(door.inFlight(), 0);
  t.is(queue.depth(), 0);
});

test('J4 a target takes so many at once, the others wait in order, and another target is not delayed', async (t) => {
  const { door, queue, sent, answer } = setup({ width: 2 });
  const commands = Array.from({ length: 5 }, () => command(slow));
  const other = command(fast);
  const participant = command({ participant: 'stock', handler: 'reserve' });
  queue.add([...commands, other, participant]);
  await settled();
  t.deepEqual(sent, [commands[0], commands[1], other, participant]);
  t.is(door.inFlight(), 4);
  t.is(door.held(), 3);
  answer(commands[1]!);
  await settled();
  answer(commands[0]!);
  await settled();
  t.deepEqual(sent.slice(4), [commands[2], commands[3]]);
  t.is(door.held(), 1);
});

test('one lane serves all paths of an origin', async (t) => {
  const { queue, sent } = setup({ width: 1 });
  queue.add([command('http://127.0.0.1:1/a'), command('http://127.0.0.1:1/b/c'), command('http://127.0.0.1:1')]);
  await settled();
  t.is(sent.length, 1);
});

test('ten thousand held commands go out one after the other, each once', async (t) => {
  const { queue, sent, reported, answer } = setup({ width: 1 });
  const commands = Array.from({ length: 10_000 }, () => command(slow));
  queue.add(commands);
  await settled();
  while (reported.length < commands.length) {
    answer(sent.at(-1)!);
    await Promise.resolve();
  }
  t.deepEqual(sent, commands);
});

test('what held a send back is no attempt: a command that waited is held until it goes, as it came', async (t) => {
  const { door, queue, clock, sent, answer } = setup({ width: 1 });
  const [first, second] = [command(slow), command(slow)];
  queue.add([first, second]);
  await settled();
  t.true(door.isHeld(second.body.xid, second.body.branch));
  clock.advance(60_000);
  answer(first);
  await settled();
  t.false(door.isHeld(second.body.xid, second.body.branch));
  t.deepEqual(sent, [first, second]);
});

test('a held command that is recalled is reported as not sent, and its place goes to the next', async (t) => {
  const { door, queue, sent, reported, answer } = setup({ width: 1 });
  const [first, second, third] = [command(slow), command(slow), command(slow)];
  queue.add([first, second, third]);
  await settled();
  t.true(door.recall(second.body.xid, 1));
  t.false(door.recall(second.body.xid, 1));
  t.false(door.recall(first.body.xid, 1), 'what is in flight cannot be recalled');
  t.false(door.recall(third.body.xid, 2), 'another branch');
  await settled();
  t.deepEqual(reported, [[second, { kind: 'unknown', error: 'recalled before it was sent' }]]);
  answer(first);
  await settled();
  t.deepEqual(sent, [first, third]);
});

test('Q4 a command that is here already is not sent a second time', async (t) => {
  const { queue, sent, reported, answer } = setup({ width: 1 });
  const [first, second] = [command(slow), command(slow)];
  queue.add([first, second, first, second]);
  await settled();
  answer(first);
  await settled();
  answer(second);
  await settled();
  t.deepEqual(sent, [first, second]);
  t.is(reported.length, 2);
  queue.add([first, { ...first, attempt: 2 }]);
  await settled();
  t.is(sent.length, 3);
});

test('a report that fails is heard, and harms no other command', async (t) => {
  const failure = new Error('the store is down');
  const { door, queue, sent, errors, answer } = setup({ report: () => Promise.reject(failure), width: 1 });
  const [first, second] = [command(slow), command(slow)];
  queue.add([first, second]);
  await settled();
  answer(first);
  await settled();
  t.deepEqual(errors, [failure]);
  t.deepEqual(sent, [first, second]);
  t.is(door.inFlight(), 1);
});

test('a transport that breaks its word and throws is heard, and its slot is free again', async (t) => {
  const failure = new Error('broken');
  const transport: Transport = { send: () => Promise.reject(failure), close: async () => undefined };
  const { door, queue, errors } = setup({ transport, width: 1 });
  queue.add([command(slow), command(slow)]);
  await settled();
  t.deepEqual(errors, [failure, failure]);
  t.is(door.inFlight() + door.held(), 0);
});

const drained = async (drain: Promise<void>): Promise<boolean> => {
  let ended = false;
  void drain.then(() => {
    ended = true;
  });
  await settled();
  return ended;
};

test('draining lets go of what is held, sends nothing more and waits for what is in flight to be reported', async (t) => {
  const stored = signal();
  const { door, queue, sent, answer } = setup({ width: 1, report: () => stored.came });
  const [first, second] = [command(slow), command(slow)];
  queue.add([first, second]);
  await settled();
  const drain = door.drain(1000);
  queue.add([command(fast)]);
  t.false(await drained(drain));
  answer(first);
  t.false(await drained(drain), 'the report is not stored yet');
  stored.give();
  t.true(await drained(drain));
  t.deepEqual(sent, [first]);
  t.is(door.held(), 0);
});

test('draining ends at the grace time, and at once when there is nothing', async (t) => {
  const { door, queue, clock } = setup();
  queue.add([command(slow)]);
  await settled();
  const drain = door.drain(1000);
  clock.advance(999);
  t.false(await drained(drain));
  clock.advance(1);
  t.true(await drained(drain));
  t.true(await drained(setup().door.drain(1000)));
});

test.serial('the point where a kill is tested lies before the send', async (t) => {
  const points: string[] = [];
  const { queue, sent } = setup();
  armed.onReach = (name) => points.push(`${name} ${sent.length}`);
  t.teardown(() => {
    armed.onReach = undefined;
  });
  queue.add([command(fast)]);
  await settled();
  t.deepEqual(points, ['after-queue-before-send 0']);
  t.is(sent.length, 1);
});
