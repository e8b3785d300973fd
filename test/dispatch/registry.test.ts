import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { systemChance } from '../../coordinator/clock.js';
import { Registry } from '../../coordinator/dispatch/registry.js';
import { silentLog } from '../../coordinator/observe/log.js';
import { memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import type { Instance } from '../../coordinator/store/store.js';
import { manualClock } from '../helpers/clock.js';
import { host, instance, registryOn, toStock } from './instances.js';
import { command, plant, transport } from './participants.js';

const { participant, handler } = toStock;

test('an instance gets commands from when it is registered until it was not renewed in time', async (t) => {
  const { registry, clock } = registryOn();
  t.is(registry.pick(participant, handler), undefined);
  await registry.register(instance());
  t.is(registry.pick(participant, handler)?.row.id, 'one');
  clock.advance(29_999);
  t.true(registry.reaches(toStock));
  await registry.register(instance());
  clock.advance(29_999);
  t.true(registry.reaches(toStock));
  clock.advance(1);
  t.false(registry.reaches(toStock));
  t.is(registry.pick(participant, handler), undefined);
});

test.serial('planted send-to-expired-instances: the check above sees it', async (t) => {
  plant(t, 'send-to-expired-instances');
  const { registry, clock } = registryOn();
  await registry.register(instance());
  clock.advance(30_000);
  t.true(registry.reaches(toStock));
});

test('the kind of a handler stays known when all that have it are gone, and changes with who comes then', async (t) => {
  const { registry, clock } = registryOn();
  await registry.register(instance());
  clock.advance(60_000);
  t.is(registry.kindOf(participant, handler), 'saga');
  t.is(registry.kindOf(participant, 'other'), undefined);
  t.is(registry.kindOf('other', handler), undefined);
  await registry.register(instance({ id: 'two', handlers: [{ name: handler, kind: 'tcc', external: false }] }));
  t.is(registry.kindOf(participant, handler), 'tcc');
});

test('L2 a kind that a living instance contradicts is refused with the name of that instance', async (t) => {
  const { registry } = registryOn();
  await registry.register(instance());
  const other = instance({ id: 'two', handlers: [{ name: handler, kind: 'tcc', external: false }] });
  await t.throwsAsync(registry.register(other), {
    message: /expected reserve of stock to be saga, as the living instance one registered it, got tcc/,
  });
  await registry.end(participant, 'one');
  await t.notThrowsAsync(registry.register(other));
});

test('an instance that ends gets nothing at once, and comes back when it registers again', async (t) => {
  const { registry } = registryOn();
  await registry.register(instance());
  await registry.end(participant, 'one');
  await registry.end(participant, 'one');
  t.false(registry.reaches(toStock));
  await registry.register(instance());
  t.true(registry.reaches(toStock));
});

test('I3 what was registered is there after a restart, and with every coordinator on the store after a look', async (t) => {
  const { registry, disk, clock } = registryOn();
  await registry.register(instance());
  const other = registryOn(disk, clock).registry;
  t.false(other.reaches(toStock));
  await other.refresh();
  t.is(other.pick(participant, handler)?.row.url, instance().url);
  await registry.end(participant, 'one');
  await other.refresh();
  t.false(other.reaches(toStock));
  t.is(other.kindOf(participant, handler), 'saga');
});

for (const hoursApart of [1, -1]) {
  test(`F3 an instance that renews itself with a coordinator whose clock is ${hoursApart} h off is alive here, one that does not is not`, async (t) => {
    const { registry, disk, clock } = registryOn();
    const ours = manualClock(clock.now() + hoursApart * 3_600_000);
    const other = registryOn(disk, ours).registry;
    await registry.register(instance());
    await other.refresh();
    for (let i = 0; i < 4; i++) {
      clock.advance(20_000);
      ours.advance(20_000);
      await registry.register(instance());
      await other.refresh();
      t.true(other.reaches(toStock));
    }
    ours.advance(30_000);
    await other.refresh();
    t.false(other.reaches(toStock));
  });
}

test('F2 a jump of the wall clock neither takes an instance away nor keeps it', async (t) => {
  const { registry, clock } = registryOn();
  await registry.register(instance());
  clock.set(clock.now() + 3_600_000);
  t.true(registry.reaches(toStock));
  clock.set(clock.now() - 7_200_000);
  clock.advance(30_000);
  t.false(registry.reaches(toStock));
});

test('what was read before a registration does not undo it', async (t) => {
  const { registry } = registryOn();
  await registry.register(instance({ id: 'two' }));
  const reading = registry.refresh();
  await Promise.all([registry.register(instance()), registry.end(participant, 'two'), reading]);
  t.is(registry.pick(participant, handler)?.row.id, 'one');
  await registry.refresh();
  t.is(registry.pick(participant, handler)?.row.id, 'one');
});

test('L1 a command goes where the instance is now', async (t) => {
  const { registry } = registryOn();
  await registry.register(instance());
  await registry.register(instance({ url: 'http://127.0.0.1:10' }));
  t.is(registry.pick(participant, handler)?.row.url, 'http://127.0.0.1:10');
});

test('the instance with the fewest commands under way is next, of equals one after the other', async (t) => {
  const { registry } = registryOn();
  for (const id of ['a', 'b', 'c']) await registry.register(instance({ id }));
  const ids = Array.from({ length: 6 }, () => registry.pick(participant, handler)?.row.id).sort();
  t.deepEqual(ids, ['a', 'a', 'b', 'b', 'c', 'c']);
  for (const { row } of registry.participants()[0]!.instances) {
    if (row.id !== 'b') registry.participants()[0]!.find(row.id)!.outstanding = 2;
  }
  t.deepEqual(
    [1, 2, 3].map(() => registry.pick(participant, handler)?.row.id),
    ['b', 'b', 'b'],
  );
});

test('one that gave no answer is left alone for a second, unless there is no other', async (t) => {
  const { registry, clock } = registryOn();
  await registry.register(instance({ id: 'a' }));
  await registry.register(instance({ id: 'b' }));
  const bad = registry.participants()[0]!.find('a')!;
  bad.gaveNoAnswer();
  t.deepEqual(
    [1, 2, 3].map(() => registry.pick(participant, handler)?.row.id),
    ['b', 'b', 'b'],
  );
  await registry.end(participant, 'b');
  t.is(registry.pick(participant, handler), bad);
  await registry.register(instance({ id: 'b' }));
  clock.advance(1000);
  t.is(new Set([1, 2].map(() => registry.pick(participant, handler)?.row.id)).size, 2);
});

test('J5 one that asked to be left alone is, a minute at most, while others are there', async (t) => {
  const { registry, clock } = registryOn();
  const full = await host(
    t,
    () => undefined,
    (response) => response.writeHead(503, { 'retry-after': '7' }).end(),
  );
  await registry.register(instance({ id: 'a', url: full.url, ttlMs: 3_600_000 }));
  t.like(await transport(t, { registry }).send(command(toStock)), { kind: 'unknown', retryAfterMs: 7000 });
  await registry.register(instance({ id: 'b', ttlMs: 3_600_000 }));
  const next = () => new Set([1, 2, 3].map(() => registry.pick(participant, handler)?.row.id));
  t.deepEqual(next(), new Set(['b']));
  clock.advance(6999);
  t.deepEqual(next(), new Set(['b']));
  clock.advance(1);
  t.is(next().size, 2);
  registry.participants()[0]!.find('a')!.gaveNoAnswer(3_600_000);
  clock.advance(60_000);
  t.is(next().size, 2);
});

test('J5 L1 what one instance asks for delays no command that another can take', async (t) => {
  const { registry } = registryOn();
  const full = await host(
    t,
    () => undefined,
    (response) => response.writeHead(503, { 'retry-after': '30' }).end(),
  );
  await registry.register(instance({ id: 'a', url: full.url, ttlMs: 3_600_000 }));
  await registry.register(instance({ id: 'b', ttlMs: 3_600_000 }));
  const other = registry.participants()[0]!.find('b')!;
  other.outstanding = 1;
  const door = transport(t, { registry });
  const first = await door.send(command(toStock));
  t.is(first.kind, 'unknown');
  t.false('retryAfterMs' in first, 'another is there');
  other.gaveNoAnswer(60_000);
  t.like(await door.send(command(toStock)), { kind: 'unknown', retryAfterMs: 30_000 });
});

test('only an instance that has the handler gets its commands', async (t) => {
  const { registry } = registryOn();
  await registry.register(instance({ id: 'old' }));
  await registry.register(
    instance({ id: 'new', handlers: [...instance().handlers, { name: 'ship', kind: 'saga', external: false }] }),
  );
  t.deepEqual(
    [1, 2, 3].map(() => registry.pick(participant, 'ship')?.row.id),
    ['new', 'new', 'new'],
  );
});

test('a check goes to an instance that answers it, or that does not say which it answers', async (t) => {
  const { registry } = registryOn();
  await registry.register(instance({ id: 'says', checks: ['cart'] }));
  t.true(registry.answersCheck(participant, 'cart'));
  t.false(registry.answersCheck(participant, 'basket'));
  t.is(registry.pick(participant, 'cart')?.row.id, 'says');
  t.is(registry.pick(participant, 'basket'), undefined);
  await registry.register(instance({ id: 'silent' }));
  t.true(registry.answersCheck(participant, 'basket'));
  t.is(registry.pick(participant, 'basket')?.row.id, 'silent');
});

test('whoever watches hears of a participant when somebody comes or takes more, and of no heartbeat', async (t) => {
  const { registry, clock } = registryOn();
  let heard = 0;
  registry.watch(() => heard++);
  const times = async (work: () => Promise<unknown>): Promise<number> => {
    const before = heard;
    await work();
    return heard - before;
  };
  t.is(await times(() => registry.register(instance())), 1);
  t.is(await times(() => registry.register(instance())), 0);
  t.is(await times(() => registry.refresh()), 0);
  t.is(await times(() => registry.end(participant, 'one')), 0);
  t.is(await times(() => registry.register(instance())), 1);
  clock.advance(30_000);
  t.is(await times(() => registry.register(instance())), 1);
  const more = [...instance().handlers, { name: 'ship', kind: 'saga', external: false }] as const;
  t.is(await times(() => registry.register(instance({ handlers: more }))), 1);
});

test('H15 a row is forgotten a day after its instance, once others have all of its handlers', async (t) => {
  const { registry, clock, disk } = registryOn();
  const ship = { name: 'ship', kind: 'saga', external: false } as const;
  await registry.register(instance({ id: 'both', handlers: [...instance().handlers, ship] }));
  clock.advance(60_000);
  await registry.register(instance({ id: 'new' }));
  clock.advance(24 * 3_600_000);
  await registry.refresh();
  t.is(disk.instances.size, 2, 'nobody else ships');
  await registry.register(instance({ id: 'ships', handlers: [ship] }));
  await registry.register(instance({ id: 'new' }));
  await registry.refresh();
  await registry.refresh();
  t.deepEqual([...disk.instances.keys()].sort(), ['stock/new', 'stock/ships']);
  t.deepEqual(
    registry.participants()[0]!.instances.map(({ row }) => row.id),
    ['new', 'ships'],
  );
});

test('those who want it read anew share one read that begins after they asked, and no older one undoes it', async (t) => {
  const clock = manualClock();
  const store = memoryStore({ disk: memoryDisk(systemChance()) });
  const answers: ((rows: readonly Instance[]) => void)[] = [];
  const instances = () => new Promise<readonly Instance[]>((resolve) => answers.push(resolve));
  const registry = new Registry({ store: { ...store, instances }, clock, log: silentLog });
  const all = [registry.refresh()];
  await turn();
  const row = await store.saveInstance(instance());
  if (!row) throw new Error('expected an instance, got none');
  for (let asked = 0; asked < 5; asked++) all.push(registry.refresh());
  await turn();
  t.is(answers.length, 1);
  answers[0]?.([]);
  await turn();
  t.is(answers.length, 2);
  answers[1]?.([row]);
  await Promise.all(all);
  t.is(registry.kindOf(participant, handler), 'saga');
  t.is(answers.length, 2);
});
