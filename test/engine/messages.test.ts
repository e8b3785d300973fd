import test from 'ava';
import { clusterOf } from './cluster.js';
import { wrongWith } from './invariants.js';
import { plan } from './plans.js';

const three = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];

test('I1 a plan is carried out step by step in four rows, and nothing of it stays in memory', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const xid = cluster.open(processes[0]!, plan(three));
  t.true(await cluster.finish([xid], 0));
  t.is(await cluster.status(xid), 'committed');
  t.deepEqual(cluster.participant.effects(xid), ['1.action', '2.action', '3.action']);
  t.is((await cluster.rows(xid)).length, 4);
  t.is(processes[0]!.engine.size(), 0);
});

test('C1 I5 commands that arrive twice have one effect', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  cluster.network.passage = () => ({ copies: 2, delayMs: 700 });
  const xid = cluster.open(processes[0]!, plan([{ id: 'a' }, { id: 'b', kind: 'tcc' }]));
  await cluster.finish([xid]);
  await cluster.world.advance(5000);
  t.is(await cluster.status(xid), 'committed');
  t.is(cluster.participant.arrived.length, 6);
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});

test('C2 C3 replies that come again or late change nothing, and a contradiction is not taken', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const { engine } = processes[0]!;
  const xid = cluster.open(
    processes[0]!,
    plan([{ id: 'a', input: { forward: 'loses the answer', times: 1 } }, { id: 'b' }]),
  );
  await cluster.finish([xid]);
  const before = await cluster.rows(xid);
  for (const { command } of cluster.network.sent) {
    await engine.report(command, { kind: 'done', output: 'again' });
    await engine.report(command, { kind: 'unknown', error: 'late' });
    await engine.report(command, { kind: 'refused', reason: 'after all' });
  }
  t.deepEqual(await cluster.rows(xid), before);
  t.is(engine.size(), 0);
  await cluster.world.advance(10_000);
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});

test('C4 I8 a step is sent only when the one before is durable, in whatever order commands arrive', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const order: string[] = [];
  cluster.network.passage = ({ body: { branch, op } }) => {
    order.push(
      `${branch}.${op} after ${cluster.won.filter(({ events }) => events.includes('branch_done')).length} done`,
    );
    return { delayMs: 100 * (4 - branch) };
  };
  const steps = [
    { id: 'a', after: [] },
    { id: 'b', after: [] },
    { id: 'c', after: ['a', 'b'] },
  ];
  const xid = cluster.open(processes[0]!, plan(steps));
  await cluster.finish([xid]);
  t.deepEqual(order, ['1.action after 0 done', '2.action after 0 done', '3.action after 2 done']);
  t.deepEqual(cluster.participant.effects(xid), ['2.action', '1.action', '3.action']);
});

test('C5 commands that are lost on the wire are sent again', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  cluster.network.passage = ({ attempt }) => (attempt === 1 ? { copies: 0 } : {});
  const xid = cluster.open(processes[0]!, plan([{ id: 'a', kind: 'tcc' }, { id: 'b' }]));
  await cluster.finish([xid]);
  t.is(await cluster.status(xid), 'committed');
  t.deepEqual(cluster.sent(), ['1.try', '1.try', '2.action', '2.action', '1.confirm', '1.confirm']);
});

test('C6 I5 answers that are lost lead to a repeat with one effect', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  cluster.network.passage = ({ attempt }) => ({ answerLost: attempt === 1 });
  const xid = cluster.open(processes[0]!, plan([{ id: 'a' }, { id: 'b', input: { forward: 'refused' } }]));
  await cluster.finish([xid]);
  t.is(await cluster.status(xid), 'rolled_back');
  t.deepEqual(cluster.participant.effects(xid), ['1.action', '1.compensate']);
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});

test('C7 I6 a command that arrives an hour after the end has no effect', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  cluster.network.passage = ({ body }) => (body.op === 'action' && body.branch === 2 ? { delayMs: 3_600_000 } : {});
  const xid = cluster.open(processes[0]!, plan([{ id: 'a' }, { id: 'b' }]));
  await cluster.finish([xid]);
  t.is(await cluster.status(xid), 'rolled_back');
  await cluster.world.advance(4_000_000);
  t.true(cluster.participant.arrived.filter(({ body }) => body.branch === 2 && body.op === 'action').length > 1);
  t.deepEqual(cluster.participant.effects(xid), ['1.action', '1.compensate']);
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});

test('C5 I4 a command that the queue lost is found by the sweep', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  cluster.queueLoses = ({ attempt }) => attempt === 1;
  const xid = cluster.open(processes[0]!, plan([{ id: 'a' }, { id: 'b' }]));
  t.true(await cluster.finish([xid], 10_000));
  t.is(await cluster.status(xid), 'committed');
  t.deepEqual(
    cluster.network.sent.map(({ command }) => command.attempt),
    [2, 2],
  );
});
