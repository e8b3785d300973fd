import test from 'ava';
import { clusterOf } from './cluster.js';
import { wrongWith } from './invariants.js';
import { plan, policy } from './plans.js';
import { poisoned } from './protections.js';

test('J6 an endless "still running" is parked', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const xid = cluster.open(processes[0]!, plan([{ id: 'a', kind: 'tcc', input: { commit: 'busy' } }]));
  t.true(await cluster.finish([xid], 20_000));
  t.is(await cluster.status(xid), 'parked');
  t.is(processes[0]!.engine.size(), 0);
});

test('Q10 a command that kills its coordinator each time is counted and given up on', async (t) => {
  const { kills, status } = await poisoned();
  t.is(kills, policy.crashesMax);
  t.is(status, 'parked');
});

test('I10 N5 nothing parked moves without a person, whoever comes and goes', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const xid = cluster.open(
    processes[0]!,
    plan([
      { id: 'a', kind: 'tcc', input: { commit: 'refused' } },
      { id: 'b', kind: 'tcc' },
    ]),
  );
  await cluster.finish([xid]);
  t.is(await cluster.status(xid), 'parked');
  const rows = await cluster.rows(xid);
  const sent = cluster.sent();
  for (let restart = 0; restart < 3; restart++) {
    cluster.processes.at(-1)!.kill();
    const { engine } = await cluster.start();
    await cluster.world.advance(600_000);
    await engine.wake(xid);
  }
  t.deepEqual(await cluster.rows(xid), rows);
  t.deepEqual(cluster.sent(), sent);
  const { engine } = cluster.processes.at(-1)!;
  t.true((await engine.handle(xid, { type: 'retry', by: 'a person' })).changed);
  await cluster.finish([xid]);
  t.is(cluster.sent().length, sent.length + 1);
  const resolution = { branch: 1, as: 'done', output: null, reason: 'done by hand' } as const;
  await engine.handle(xid, { type: 'resolve', branches: [resolution], by: 'a person' });
  t.is(await cluster.status(xid), 'resolved');
});

test('J3 I10 what a dead coordinator left behind is taken up spread over time, all of it', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  cluster.network.passage = () => ({ answerDelayMs: 800 });
  const xids = Array.from({ length: 450 }, () => cluster.open(processes[0]!, plan([{ id: 'a' }])));
  await cluster.world.advance(100);
  processes[0]!.kill();
  await cluster.start();
  t.true(await cluster.finish(xids, 30_000));
  t.deepEqual(await wrongWith(cluster, xids), []);
  const again = new Map<number, number>();
  for (const { from, at } of cluster.network.sent) if (from === 'c2') again.set(at, (again.get(at) ?? 0) + 1);
  t.true(Math.max(...again.values()) < 50, 'not all at one moment');
});
