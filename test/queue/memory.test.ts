import test from 'ava';
import { memoryQueue } from '../../coordinator/queue/memory.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { command, signal } from '../dispatch/participants.js';
import { manualClock } from '../helpers/clock.js';

const some = (count: number): Command[] => Array.from({ length: count }, () => command('http://127.0.0.1:1/x'));
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('commands come out in the order they went in, never inside add', async (t) => {
  const queue = memoryQueue();
  const got: Command[] = [];
  queue.consume(async (one) => {
    got.push(one);
  });
  const commands = some(5);
  queue.add(commands.slice(0, 2));
  queue.add(commands.slice(2));
  t.deepEqual(got, []);
  t.is(queue.depth(), 5);
  await settled();
  t.deepEqual(got, commands);
  t.is(queue.depth(), 0);
});

test('commands that were added before there was a consumer are handed to it', async (t) => {
  const queue = memoryQueue();
  const commands = some(2);
  const got: Command[] = [];
  queue.add(commands);
  await settled();
  queue.consume(async (one) => {
    got.push(one);
  });
  await settled();
  t.deepEqual(got, commands);
});

test('no more handlers run at once than are wanted', async (t) => {
  const queue = memoryQueue({ concurrency: 2 });
  const running: (() => void)[] = [];
  const got: Command[] = [];
  queue.consume((one) => {
    const { came, give } = signal();
    got.push(one);
    running.push(give);
    return came;
  });
  const commands = some(3000);
  queue.add(commands);
  await settled();
  t.is(running.length, 2);
  t.is(queue.depth(), 3000);
  for (let i = 0; i < commands.length; i++) {
    running[i]?.();
    await settled();
  }
  t.deepEqual(got, commands);
  t.is(queue.depth(), 0);
});

test('a handler that throws or rejects is heard, and the others go on', async (t) => {
  const heard: unknown[] = [];
  const queue = memoryQueue({ concurrency: 1, onError: (error, one) => heard.push([error, one]) });
  const commands = some(3);
  const [first, second, third] = commands;
  const got: Command[] = [];
  queue.consume((one) => {
    if (one === first) throw new Error('thrown');
    if (one === second) return Promise.reject(new Error('rejected'));
    got.push(one);
    return Promise.resolve();
  });
  queue.add(commands);
  await settled();
  t.deepEqual(got, [third]);
  t.is(heard.length, 2);
  t.is(queue.depth(), 0);
});

test('closing hands out nothing more and waits for the handlers that run', async (t) => {
  const clock = manualClock();
  const queue = memoryQueue({ concurrency: 1, clock });
  const { came, give } = signal();
  const got: Command[] = [];
  queue.consume((one) => {
    got.push(one);
    return came;
  });
  const commands = some(2);
  queue.add(commands);
  await settled();
  let closed = false;
  const closing = queue.close(1000).then(() => {
    closed = true;
  });
  queue.add(some(1));
  await settled();
  t.false(closed);
  give();
  await closing;
  t.deepEqual(got, commands.slice(0, 1));
  t.is(clock.waiting(), 0);
});

test('closing waits no longer than the grace time', async (t) => {
  const clock = manualClock();
  const queue = memoryQueue({ clock });
  queue.consume(() => new Promise(() => undefined));
  queue.add(some(1));
  await settled();
  const closing = queue.close(1000);
  clock.advance(1000);
  await t.notThrowsAsync(closing);
});
