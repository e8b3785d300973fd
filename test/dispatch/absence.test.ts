import test from 'ava';
import type { Presence } from '../../coordinator/dispatch/absence.js';
import { Dispatcher } from '../../coordinator/dispatch/dispatcher.js';
import { Lanes } from '../../coordinator/dispatch/lanes.js';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import { memoryQueue } from '../../coordinator/queue/memory.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { manualClock } from '../helpers/clock.js';
import { toStock } from './instances.js';
import { command, plant, signal } from './participants.js';

/** Lets everything that is ready to run do so. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A door out to participants that come and go. */
function setup(perTarget = 2) {
  const there = new Set<string>();
  let onCame: (participant: string) => void = () => undefined;
  const presence: Presence = {
    reaches: (target) => 'url' in target || there.has(`${target.participant}/${target.handler}`),
    watch: (listener) => {
      onCame = listener;
    },
  };
  const sent: Command[] = [];
  const reported: Reply[] = [];
  const answers: ((reply: Reply) => void)[] = [];
  const clock = manualClock(Date.now());
  const queue = memoryQueue({ clock });
  const door = new Dispatcher({
    transport: {
      send(sending) {
        sent.push(sending);
        const { came, give } = signal<Reply>();
        answers.push(give);
        return came;
      },
      close: async () => undefined,
    },
    presence,
    queue,
    clock,
    lanes: new Lanes(clock, perTarget),
    report: async (_, reply) => void reported.push(reply),
  });
  return {
    door,
    queue,
    clock,
    sent,
    reported,
    comes: (name: string) => {
      there.add(name);
      onCame(name.split('/', 1)[0]!);
    },
    goes: (name: string) => there.delete(name),
    answer: () => answers.shift()?.({ kind: 'done', output: null }),
  };
}

const reserve = () => command(toStock);

test('a command that nobody is there for is held, which is no attempt, and goes as soon as somebody comes', async (t) => {
  const { door, queue, clock, sent, reported, comes } = setup();
  const [first, second] = [reserve(), reserve()];
  queue.add([first, second, command('http://127.0.0.1:1/x')]);
  await settled();
  t.is(sent.length, 1, 'a URL is always there');
  t.true(door.isHeld(first.body.xid, 1));
  t.is(door.held(), 2);
  clock.advance(3_600_000);
  await settled();
  comes('stock/other');
  comes('order/reserve');
  await settled();
  t.is(sent.length, 1);
  comes('stock/reserve');
  await settled();
  t.deepEqual(sent.slice(1), [first, second]);
  t.is(door.held(), 0);
  t.deepEqual(reported, []);
});

test.serial('planted a-missing-instance-is-an-attempt: the check above sees it', async (t) => {
  plant(t, 'a-missing-instance-is-an-attempt');
  const { queue, sent } = setup();
  queue.add([reserve()]);
  await settled();
  t.is(sent.length, 1);
});

test('a held command that is recalled is reported as not sent, and is not sent when somebody comes', async (t) => {
  const { door, queue, sent, reported, comes } = setup();
  const [first, second] = [reserve(), reserve()];
  queue.add([first, second]);
  await settled();
  t.true(door.recall(first.body.xid, 1));
  t.false(door.recall(first.body.xid, 1));
  await settled();
  t.deepEqual(reported, [{ kind: 'unknown', error: 'recalled before it was sent' }]);
  comes('stock/reserve');
  await settled();
  t.deepEqual(sent, [second]);
});

test('a command that got room when everybody was gone waits for somebody, and its room goes to others', async (t) => {
  const { door, queue, sent, comes, goes, answer } = setup(1);
  comes('stock/reserve');
  comes('stock/ship');
  const [first, second] = [reserve(), reserve()];
  const other = command({ participant: 'stock', handler: 'ship' });
  queue.add([first, second, other]);
  await settled();
  t.deepEqual(sent, [first]);
  goes('stock/reserve');
  answer();
  await settled();
  t.deepEqual(sent, [first, other]);
  answer();
  await settled();
  t.is(door.inFlight(), 0);
  t.is(door.held(), 1);
  comes('stock/reserve');
  await settled();
  t.deepEqual(sent, [first, other, second]);
});

test('J2 when somebody comes back, no more go out at once than a target may have', async (t) => {
  const { door, queue, sent, comes, answer } = setup(3);
  queue.add(Array.from({ length: 1000 }, reserve));
  await settled();
  t.is(door.held(), 1000);
  comes('stock/reserve');
  await settled();
  t.is(sent.length, 3);
  while (sent.length < 1000) {
    answer();
    await settled();
    t.true(door.inFlight() <= 3);
  }
});

test('draining lets go of what waits for somebody', async (t) => {
  const { door, queue, sent, reported, comes } = setup();
  queue.add([reserve()]);
  await settled();
  await door.drain(1000);
  comes('stock/reserve');
  await settled();
  t.deepEqual([sent.length, reported.length, door.held()], [0, 0, 0]);
});
