import test from 'ava';
import type { ConcordatError } from '../../sdk/protocol/errors.js';
import { clusterOf } from './cluster.js';
import { wrongWith } from './invariants.js';
import { plan } from './plans.js';

test('A15 a coordinator that stops sends nothing new, records what comes back, and its successor goes on at once', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  cluster.network.passage = () => ({ answerDelayMs: 400 });
  const [first] = processes;
  const xids = Array.from({ length: 5 }, () => cluster.open(first!, plan([{ id: 'a' }, { id: 'b', kind: 'tcc' }])));
  const waiting = first!.engine.until(xids[0]!, (state) => state.ended !== null, 60_000);
  await cluster.world.advance(100);
  const sent = cluster.sent().length;
  let stoppedAt = 0;
  void first!.coordinator.stop(5000).then(() => (stoppedAt = cluster.world.ms));
  t.is((await waiting).ended, null, 'who waits is let go');
  const refused = await t.throwsAsync<ConcordatError>(first!.engine.handle(cluster.newXid(), plan([{ id: 'a' }])));
  t.is(refused?.code, 'stopping');
  await cluster.world.advance(500);
  t.is(stoppedAt, 400, 'when all that was in flight is in the log');
  t.is(cluster.sent().length, sent);
  t.deepEqual(await cluster.store.leases(), []);
  t.is(first!.engine.size(), 0);
  first!.kill();
  await cluster.start();
  t.true(await cluster.finish(xids, 5000), 'without waiting for a lease to run out');
  t.deepEqual(await wrongWith(cluster, xids), []);
  t.is(cluster.sent().filter((command) => command === '1.action').length, 5, 'no step is done twice');
});

test('A15 stopping ends in time though neither participants nor store answer', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const [first] = processes;
  cluster.network.passage = () => ({ copies: 0 });
  cluster.open(first!, plan([{ id: 'a', timeoutMs: 600_000 }]));
  await cluster.world.advance(100);
  Object.assign(first!.faults, { append: () => 'hangs', read: () => 'hangs', renew: () => 'hangs' });
  await cluster.world.advance(2000);
  let stopped = false;
  void first!.coordinator.stop(3000).then(() => (stopped = true));
  await cluster.world.advance(4500);
  t.true(stopped);
});
