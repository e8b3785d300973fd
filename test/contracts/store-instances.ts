import type { TestFn } from 'ava';
import type { Instance, Registration, Store } from '../../coordinator/store/store.js';
import type { TransactionStatus } from '../../sdk/protocol/views.js';
import { sampleAppend, sampleSummary } from '../store/sample.js';
import { type MakeDisk, openFrom, plant } from './disk.js';

export const sampleRegistration = (change: Partial<Registration> = {}): Registration => ({
  participant: 'stock',
  id: 'one',
  url: 'http://127.0.0.1:9/stock',
  handlers: [
    { name: 'reserve', kind: 'tcc', external: false },
    { name: 'ship', kind: 'saga', external: true },
  ],
  checks: null,
  resourceGroup: null,
  batch: false,
  sdk: 'test/1',
  ttlMs: 30_000,
  ...change,
});

const asSaga = [{ name: 'reserve', kind: 'saga', external: false }] as const;

/** A store's clock that a test moves. */
function movingTime() {
  let ms = 1_000_000;
  return {
    wall: () => ms,
    monotonic: () => ms,
    passes: (passed: number) => {
      ms += passed;
    },
  };
}

/** What every store promises of the registry of participants. */
export function storeInstancesContract(test: TestFn, makeDisk: MakeDisk): void {
  test('an instance is read back as it was registered, and a renewal keeps when it came', async (t) => {
    const time = movingTime();
    const store = await openFrom(t, makeDisk, time);
    const all = sampleRegistration({ checks: ['cart', 'é'], resourceGroup: 'money \u0000 "x"', batch: true });
    const first = await store.saveInstance(all);
    t.deepEqual(first, { ...all, registeredAt: 1_000_000, renewedAt: 1_000_000 });
    time.passes(20_000);
    const second = await store.saveInstance({ ...all, url: 'http://127.0.0.1:10' });
    t.deepEqual(second, { ...all, url: 'http://127.0.0.1:10', registeredAt: 1_000_000, renewedAt: 1_020_000 });
    t.deepEqual(await store.instances(), [second!]);
  });

  test('an instance that was gone comes anew, and its row stayed meanwhile', async (t) => {
    const time = movingTime();
    const store = await openFrom(t, makeDisk, time);
    await store.saveInstance(sampleRegistration());
    time.passes(30_000);
    t.is((await store.instances()).length, 1);
    t.is((await store.saveInstance(sampleRegistration()))?.registeredAt, 1_030_000);
    await store.endInstance('stock', 'one');
    await store.endInstance('stock', 'nobody');
    t.like(await store.instances(), [{ id: 'one', ttlMs: 0, handlers: sampleRegistration().handlers }]);
    time.passes(1);
    t.is((await store.saveInstance(sampleRegistration()))?.registeredAt, 1_030_001);
  });

  test('instances are in order, and one is forgotten only as it was seen', async (t) => {
    const time = movingTime();
    const store = await openFrom(t, makeDisk, time);
    await store.saveInstance(sampleRegistration({ participant: 'stock', id: 'b' }));
    await store.saveInstance(sampleRegistration({ participant: 'stock', id: 'a' }));
    const seen = await store.saveInstance(sampleRegistration({ participant: 'order', id: 'c' }));
    time.passes(1);
    await store.saveInstance(sampleRegistration({ participant: 'order', id: 'c' }));
    await store.forgetInstance(seen!);
    t.deepEqual(await ids(store), ['order/c', 'stock/a', 'stock/b']);
    await store.forgetInstance((await store.instances())[0]!);
    t.deepEqual(await ids(store), ['stock/a', 'stock/b']);
  });

  test('L2 a handler is of one kind as long as anybody alive says so', async (t) => {
    const time = movingTime();
    const store = await openFrom(t, makeDisk, time);
    await store.saveInstance(sampleRegistration());
    t.is(await store.saveInstance(sampleRegistration({ id: 'two', handlers: asSaga })), null);
    t.deepEqual(await ids(store), ['stock/one']);
    t.truthy(
      await store.saveInstance(sampleRegistration({ id: 'three', handlers: [sampleRegistration().handlers[1]!] })),
      'a part of them',
    );
    t.truthy(
      await store.saveInstance(sampleRegistration({ participant: 'order', handlers: asSaga })),
      'of another participant',
    );
    time.passes(30_000);
    t.truthy(await store.saveInstance(sampleRegistration({ id: 'two', handlers: asSaga })), 'the first ran out');
    t.is(await store.saveInstance(sampleRegistration()), null, 'it lost its place');
    await store.endInstance('stock', 'two');
    t.truthy(await store.saveInstance(sampleRegistration()));
    t.truthy(await store.saveInstance(sampleRegistration({ handlers: asSaga })), 'an instance may change its own');
  });

  test.serial('planted kinds-may-differ: the check above sees it', async (t) => {
    plant(t, 'kinds-may-differ');
    const store = await openFrom(t, makeDisk);
    await store.saveInstance(sampleRegistration());
    t.truthy(await store.saveInstance(sampleRegistration({ id: 'two', handlers: asSaga })));
  });

  test('of two instances with different kinds that come at once, one is taken', async (t) => {
    const store = await openFrom(t, makeDisk);
    const many = Array.from({ length: 20 }, (_, index) =>
      sampleRegistration({ id: `i${index}`, handlers: index % 2 ? asSaga : sampleRegistration().handlers }),
    );
    const saved = (await Promise.all(many.map((each) => store.saveInstance(each)))).filter((each) => each !== null);
    t.is(saved.length, 10);
    t.is(new Set(saved.map(({ handlers }) => handlers[0]?.kind)).size, 1);
  });

  test('a thousand handlers against a thousand others of several siblings are compared in no time', async (t) => {
    const store = await openFrom(t, makeDisk);
    const handlers = (prefix: string) =>
      Array.from(
        { length: 1000 },
        (_, index) => ({ name: `${prefix}${index}`, kind: 'saga', external: false }) as const,
      );
    const begin = performance.now();
    for (let i = 0; i < 5; i++)
      t.truthy(await store.saveInstance(sampleRegistration({ id: `i${i}`, handlers: handlers(`h${i}-`) })));
    t.true(performance.now() - begin < 2000, `${performance.now() - begin} ms`);
  });

  test('what is set for a participant is changed in parts, and read back', async (t) => {
    const store = await openFrom(t, makeDisk);
    t.deepEqual(await store.participants(), []);
    const first = { name: 'stock', concurrency: null, perSecond: 0.25, paused: false };
    t.deepEqual(await store.changeParticipant({ name: 'stock', perSecond: 0.25 }), first);
    t.deepEqual(await store.changeParticipant({ name: 'stock', paused: true }), { ...first, paused: true });
    const origin = { name: 'http://127.0.0.1:9', concurrency: 3, perSecond: 1000, paused: false };
    t.deepEqual(await store.changeParticipant({ ...origin, paused: undefined }), origin);
    const last = { ...first, perSecond: null, concurrency: 9, paused: true };
    t.deepEqual(await store.changeParticipant({ name: 'stock', perSecond: null, concurrency: 9 }), last);
    t.deepEqual(await store.participants(), [origin, last]);
  });

  test('D10 the oldest unfinished transaction is known, parked or not', async (t) => {
    const store = await openFrom(t, makeDisk);
    const opened = async (xid: string, openedAt: number, status: TransactionStatus): Promise<void> => {
      await store.append(sampleAppend(xid, { summary: sampleSummary({ openedAt, status }) }));
    };
    t.is(await store.oldestUnfinished(), null);
    await opened('t1', 1000, 'committed');
    await opened('t2', 2000, 'rolled_back');
    await opened('t3', 3000, 'resolved');
    t.is(await store.oldestUnfinished(), null);
    const unfinished = ['active', 'rolling_back', 'committing', 'parked'] as const;
    for (const [index, status] of unfinished.entries()) {
      await opened(`u${index}`, 9000 - index * 1000, status);
      t.is(await store.oldestUnfinished(), 9000 - index * 1000);
    }
  });
}

/** Where several stores can be opened over one disk. */
export function sharedInstancesContract(test: TestFn, makeDisk: MakeDisk): void {
  test('I3 the registry is there after a restart, and for every store on the same disk', async (t) => {
    const disk = await makeDisk(t);
    const stores = [await disk.open(), await disk.open()] as const;
    t.teardown(() => stores[1].close());
    const saved = await stores[0].saveInstance(sampleRegistration());
    t.deepEqual(await stores[1].instances(), [saved] as Instance[]);
    t.is(await stores[1].saveInstance(sampleRegistration({ id: 'two', handlers: asSaga })), null);
    const limited = await stores[0].changeParticipant({ name: 'stock', concurrency: 4 });
    t.deepEqual(await stores[1].participants(), [limited]);
    await stores[0].close();
    const after = await disk.open();
    t.teardown(() => after.close());
    t.deepEqual(await after.instances(), [saved] as Instance[]);
    t.deepEqual(await after.participants(), [limited]);
  });
}

const ids = async (store: Store): Promise<readonly string[]> =>
  (await store.instances()).map(({ participant, id }) => `${participant}/${id}`);
