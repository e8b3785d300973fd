import test from 'ava';
import { clusterOf, type Process } from './cluster.js';
import { wrongWith } from './invariants.js';
import { initiated, plan } from './plans.js';

/** More than are kept at hand. */
const many = 1300;

const pause = (process: Process, paused: boolean): Promise<void> =>
  process.coordinator.controls.change({ name: 'shop', paused });

test('F1 J4 deadlines come while their participant is paused: once it goes on each is undone, and none is done before', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const [process] = processes as [Process];
  await pause(process, true);
  const deadlineAt = process.clock.now() + 5000;
  const xids = Array.from({ length: many }, () =>
    cluster.open(process, plan([{ id: 'a' }, { id: 'b', after: [] }], { deadlineAt })),
  );
  await cluster.world.advance(60_000);
  t.deepEqual(cluster.sent(), []);
  await pause(process, false);
  t.true(await cluster.finish(xids));
  t.deepEqual(new Set(await Promise.all(xids.map((xid) => cluster.status(xid)))), new Set(['rolled_back']));
  t.deepEqual(new Set(cluster.sent()), new Set(['1.compensate', '2.compensate']));
  t.is(cluster.sent().length, 2 * many);
  t.deepEqual(await wrongWith(cluster, xids), []);
  await cluster.world.advance(60_000);
  t.is(process.engine.size() + process.engine.stayDue(), 0, 'nothing of them is kept');
});

test('G2 J4 what stands aside at one coordinator is rolled back by another, and is not sent when it is called', async (t) => {
  const { cluster, processes } = await clusterOf(t, 2);
  const [one, other] = processes as [Process, Process];
  await pause(one, true);
  const xids = Array.from({ length: many }, () => cluster.open(one, plan([{ id: 'a', timeoutMs: 1000 }])));
  await cluster.world.advance(10_000);
  t.deepEqual(cluster.sent(one.name), []);
  const last = xids.slice(-100);
  await Promise.all(last.map((xid) => other.engine.handle(xid, { type: 'rollback', reason: 'changed my mind' })));
  await cluster.world.advance(10_000);
  await pause(one, false);
  await cluster.world.advance(2000);
  t.true(await cluster.finish(xids));
  t.deepEqual(new Set(await Promise.all(last.map((xid) => cluster.status(xid)))), new Set(['rolled_back']));
  t.is(cluster.sent(one.name).filter((each) => each === '1.action').length, many - 100);
  t.deepEqual(await wrongWith(cluster, xids), []);
});

test('I4 a coordinator dies with a crowd that stands aside: its heir sends all of it, each once', async (t) => {
  const { cluster, processes } = await clusterOf(t, 2);
  const [one, heir] = processes as [Process, Process];
  await pause(one, true);
  const xids = Array.from({ length: many }, () => cluster.open(one, plan([{ id: 'a' }])));
  await cluster.world.advance(2000);
  one.kill();
  await cluster.world.advance(30_000);
  t.deepEqual(cluster.sent(), []);
  await pause(heir, false);
  t.true(await cluster.finish(xids));
  t.deepEqual(new Set(await Promise.all(xids.map((xid) => cluster.status(xid)))), new Set(['committed']));
  t.is(cluster.sent().length, many);
  t.deepEqual(await wrongWith(cluster, xids), []);
});

test('J4 a lease that lapses while a crowd stands aside loses none of it', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const [process] = processes as [Process];
  await pause(process, true);
  const xids = Array.from({ length: many }, () => cluster.open(process, plan([{ id: 'a' }])));
  await cluster.world.advance(2000);
  process.faults.renew = () => 'fails';
  await cluster.world.advance(15_000);
  process.faults.renew = () => 'through';
  await cluster.world.advance(5000);
  await pause(process, false);
  t.true(await cluster.finish(xids));
  t.deepEqual(new Set(await Promise.all(xids.map((xid) => cluster.status(xid)))), new Set(['committed']));
  t.is(cluster.sent().length, many);
  t.deepEqual(await wrongWith(cluster, xids), []);
});

test('J4 an initiator’s branch stands aside: its rollback ends it at once, its participant paused or not', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const [process] = processes as [Process];
  await pause(process, true);
  for (let i = 0; i < many; i++) cluster.open(process, plan([{ id: 'a' }]));
  await cluster.world.advance(1000);
  const xid = cluster.open(process, initiated());
  await cluster.world.settle();
  const spec = plan([{ id: 'a' }]).request.branches[0]!;
  await process.engine.handle(xid, { type: 'add_branch', spec });
  await cluster.world.advance(1000);
  await process.engine.handle(xid, { type: 'rollback', reason: 'no' });
  await cluster.world.advance(5000);
  t.is(await cluster.status(xid), 'rolling_back', 'it is told, as it may have been sent');
  await pause(process, false);
  t.true(await cluster.finish([xid]));
  t.is(await cluster.status(xid), 'rolled_back');
});
