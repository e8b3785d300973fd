import test from 'ava';
import { everywhere, type Presence } from '../../coordinator/dispatch/absence.js';
import { standsAside } from '../../coordinator/dispatch/crowd.js';
import { Dispatcher } from '../../coordinator/dispatch/dispatcher.js';
import { Lanes } from '../../coordinator/dispatch/lanes.js';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import { memoryQueue } from '../../coordinator/queue/memory.js';
import type { Command, Target } from '../../sdk/protocol/commands.js';
import { manualClock } from '../helpers/clock.js';
import { command, plant } from './participants.js';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const target = 'http://127.0.0.1:1';

/** A dispatcher of which nothing goes out before its target is let go on, and commands that are called back by their xid. */
async function crowded(count: number) {
  const clock = manualClock(Date.now());
  const queue = memoryQueue({ clock });
  const lanes = new Lanes(clock, 16);
  const paused = { concurrency: 16, perSecond: null };
  lanes.limit(target, { ...paused, paused: true });
  const sent: Command[] = [];
  const aside: Command[] = [];
  const commands = Array.from({ length: count }, () => command(`${target}/x`));
  const byXid = new Map(commands.map((each) => [each.body.xid, each]));
  const door = new Dispatcher({
    queue,
    clock,
    lanes,
    transport: {
      async send(sending): Promise<Reply> {
        sent.push(sending);
        return { kind: 'done', output: null };
      },
      close: async () => undefined,
    },
    report: (one, reply) => void (reply === standsAside && aside.push(one)),
    callBack: async (xid) => {
      await null;
      const called = byXid.get(xid);
      if (called) queue.add([called]);
    },
  });
  queue.add(commands);
  await settled();
  return { door, queue, sent, aside, commands, byXid, goOn: () => lanes.limit(target, { ...paused, paused: false }) };
}

test('of a crowd that waits a thousand are kept, and all are sent in the end, each once', async (t) => {
  const { door, sent, aside, commands, goOn } = await crowded(5000);
  t.is(door.held(), 1000);
  t.is(door.waitingFor(target), 4000);
  t.deepEqual(aside, commands.slice(1000));
  goOn();
  while (sent.length < commands.length) await settled();
  t.is(new Set(sent).size, commands.length);
  t.is(door.held() + door.waitingFor(target), 0);
});

test('who stood aside goes before who comes later', async (t) => {
  const { queue, sent, byXid, goOn, door } = await crowded(1500);
  const late = command(`${target}/x`);
  byXid.set(late.body.xid, late);
  queue.add([late]);
  await settled();
  t.is(door.waitingFor(target), 501);
  goOn();
  while (sent.length < 1501) await settled();
  t.is(sent.at(-1), late);
});

test('those who have nothing to do any more when they are called do not stop the others', async (t) => {
  const { sent, commands, byXid, goOn } = await crowded(5000);
  for (const { body } of commands.slice(1000, 4500)) byXid.delete(body.xid);
  goOn();
  while (sent.length < 1500) await settled();
  await settled();
  t.deepEqual(new Set(sent), new Set([...commands.slice(0, 1000), ...commands.slice(4500)]));
});

/** A dispatcher with room for two calls at once, which keeps ten of each crowd; `answer` is what comes of a command. */
function narrow(presence: Presence, answer: (sending: Command) => Reply) {
  const clock = manualClock(Date.now());
  const queue = memoryQueue({ clock });
  const byXid = new Map<string, Command>();
  const sent: Command[] = [];
  const door = new Dispatcher({
    queue,
    clock,
    presence,
    lanes: new Lanes(clock, 2),
    atHandMax: 10,
    transport: {
      async send(sending): Promise<Reply> {
        sent.push(sending);
        return answer(sending);
      },
      close: async () => undefined,
    },
    report: () => undefined,
    callBack: async (xid) => {
      await null;
      const called = byXid.get(xid);
      if (called) queue.add([called]);
    },
  });
  const come = async (count: number, handler: string, attempt = 1): Promise<readonly Command[]> => {
    const commands = Array.from({ length: count }, () => command({ participant: 'stock', handler }, {}, { attempt }));
    for (const each of commands) byXid.set(each.body.xid, each);
    queue.add(commands);
    for (let i = 0; i < 100; i++) await settled();
    return commands;
  };
  const unsent = (commands: readonly Command[]): number => commands.filter((each) => !sent.includes(each)).length;
  return { door, come, unsent };
}

const done: Reply = { kind: 'done', output: null };

test('J1 J4 I4 a crowd that waits for a handler that nobody has keeps none of those aside that wait for another', async (t) => {
  const reaches = (to: Target): boolean => 'url' in to || to.handler === 'reserve';
  const { door, come, unsent } = narrow({ reaches, watch: () => undefined }, () => done);
  await come(20, 'gone');
  t.is(unsent(await come(50, 'reserve')), 0);
  t.is(door.waitingFor('stock'), 20, 'those who wait for nobody are still known of');
});

test('J1 I14 a crowd of repeats that are held back while many calls fail keeps no first attempts aside', async (t) => {
  let calls = 0;
  const half = (): Reply => (calls++ % 2 === 0 ? { kind: 'unknown', error: 'answered 500' } : done);
  const { come, unsent } = narrow(everywhere, half);
  await come(40, 'reserve');
  t.true(unsent(await come(50, 'reserve', 2)) >= 20);
  t.is(unsent(await come(50, 'reserve')), 0);
});

test.serial('planted keep-all-that-waits: the bound above is seen to be passed', async (t) => {
  plant(t, 'keep-all-that-waits');
  const { door } = await crowded(1500);
  t.is(door.held(), 1500);
});
