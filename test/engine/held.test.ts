import test from 'ava';
import { clusterOf, type Process } from './cluster.js';
import { wrongWith } from './invariants.js';
import { plan, policy } from './plans.js';

/** Calls to one target at once. */
const width = 256;

test('J4 I5 a command that waited long for room is in flight once, and its wait is no attempt', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  cluster.network.passage = () => ({ answerDelayMs: 9000 });
  const xids = Array.from({ length: 2 * width + 1 }, () =>
    cluster.open(processes[0]!, plan([{ id: 'a', timeoutMs: 10_000 }])),
  );
  t.true(await cluster.finish(xids, 60_000));
  t.deepEqual(await wrongWith(cluster, xids), []);
  t.is(cluster.network.sent.length, xids.length, 'nothing is sent twice');
});

test('J4 a command that was handed on late and then waited for room has the time of one call', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const { clock, faults } = processes[0]!;
  cluster.network.passage = () => ({ answerDelayMs: 9000 });
  faults.renew = () => 'fails';
  await cluster.world.advance(11_000);
  const xids = fill(processes[0]!, 3 * width);
  await cluster.world.advance(20_000);
  t.is(cluster.network.sent.length, 0, 'without a lease nothing is handed on');
  faults.renew = () => 'through';
  t.true(await cluster.finish(xids, 60_000));
  const timesMs = cluster.network.sent.map(
    ({ at, command }) => command.expiresAt - (clock.now() - cluster.world.ms) - at,
  );
  t.true(Math.max(...timesMs) <= 10_000, `the longest had ${Math.max(...timesMs)} ms`);
  t.is(cluster.network.sent.length, xids.length, 'nothing is sent twice');

  function fill(process: Process, count: number) {
    return Array.from({ length: count }, () => cluster.open(process, plan([{ id: 'a', timeoutMs: 10_000 }])));
  }
});

test('G2 I6 a command that waited for room while another coordinator brought its transaction to an end is not sent', async (t) => {
  const { cluster, processes } = await clusterOf(t, 2);
  const [crowded, other] = processes;
  cluster.network.passage = ({ body }) => ({ answerDelayMs: body.id === 'slow' ? 29_000 : 0 });
  for (let i = 0; i < width; i++) cluster.open(crowded!, plan([{ id: 'slow', timeoutMs: 30_000 }]));
  const xid = cluster.open(
    crowded!,
    plan([{ id: 'a', input: { rollback: 'fails' } }], { policy: { ...policy, parkAfterMs: 5000 } }),
  );
  await cluster.world.advance(500);
  await other!.engine.handle(xid, { type: 'rollback', reason: 'changed my mind' });
  t.true(await cluster.finish([xid], 20_000));
  t.is(await cluster.status(xid), 'parked');
  await cluster.world.advance(policy.callMs);
  const byHand = [{ branch: 1, as: 'skipped', output: null, reason: 'nothing is there' }] as const;
  await other!.engine.handle(xid, { type: 'resolve', branches: byHand, by: 'pat' });
  t.is(await cluster.status(xid), 'resolved');
  await cluster.world.advance(60_000);
  t.deepEqual(cluster.participant.effects(xid), []);
  t.deepEqual(await wrongWith(cluster, [xid]), []);
  t.is(crowded!.engine.size(), 0);
});

test('F4 K3 a command is given the time of one call though the clock was set back before it was sent', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const { clock, faults } = processes[0]!;
  faults.append = ({ seq }) => {
    if (seq === 1) {
      cluster.world.databaseOffset -= 5000;
      clock.set(clock.now() - 5000);
    }
    return 'through';
  };
  const xid = cluster.open(processes[0]!, plan([{ id: 'a' }]));
  t.true(await cluster.finish([xid]));
  const { at, command } = cluster.network.sent[0]!;
  t.is(command.expiresAt - (clock.now() - cluster.world.ms) - at, policy.callMs);
});
