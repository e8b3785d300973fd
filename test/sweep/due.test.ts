import test from 'ava';
import { clusterOf } from '../engine/cluster.js';
import { wrongWith } from '../engine/invariants.js';
import { initiated, plan, policy } from '../engine/plans.js';

const hour = 3_600_000;

test('F7 what is due in hours is not kept in memory, and is found when it is due', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const { engine, clock } = processes[0]!;
  const deliverAt = clock.now() + 5 * hour;
  const xid = cluster.open(processes[0]!, plan([{ id: 'a' }, { id: 'm', kind: 'message', deliverAt }]));
  await cluster.world.advance(5 * hour - 3000);
  t.is(engine.size(), 0);
  t.deepEqual(cluster.sent(), ['1.action']);
  await cluster.world.advance(4500);
  t.deepEqual(cluster.sent(), ['1.action', '2.deliver']);
  t.is(await cluster.status(xid), 'committed');
});

test('F7 I10 a deadline in hours comes', async (t) => {
  const { cluster, processes } = await clusterOf(t, 2);
  const xid = cluster.newXid();
  await processes[0]!.engine.handle(xid, initiated({ deadlineAt: processes[0]!.clock.now() + 9 * hour }));
  await cluster.world.advance(9 * hour - 3000);
  t.is(processes[0]!.engine.size(), 0);
  t.is(await cluster.status(xid), 'active');
  await cluster.world.advance(4500);
  t.is(await cluster.status(xid), 'rolled_back');
});

test('A3 I4 what is due later is found though its coordinator was another one then', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const backoff = { initialMs: 600_000, maxMs: 600_000, factor: 1 };
  const patient = { ...policy, backoff, parkAfterMs: 24 * hour };
  const xid = cluster.open(
    processes[0]!,
    plan([{ id: 'a', kind: 'tcc', input: { commit: 'fails', times: 2 } }], { policy: patient }),
  );
  await cluster.world.advance(100);
  processes[0]!.kill();
  await cluster.start();
  t.true(await cluster.finish([xid], hour));
  t.is(await cluster.status(xid), 'committed');
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});

test('H12 I10 logs that cannot be read, however many are due, do not keep the sweep from the others', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const { engine, clock } = processes[0]!;
  const opened = async (dueMs: number) => {
    const xid = cluster.newXid();
    await engine.handle(xid, initiated({ deadlineAt: clock.now() + dueMs }));
    return xid;
  };
  for (let i = 0; i < 250; i++) {
    const log = cluster.disk.logs.get(await opened(5000))!;
    log[0] = { ...log[0]!, events: '[{"type":"of a later version"}]' };
  }
  const xid = await opened(6000);
  t.true(await cluster.finish([xid], 20_000));
  t.is(await cluster.status(xid), 'rolled_back');
});
