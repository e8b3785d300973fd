import test from 'ava';
import type { Step } from '../decide/requests.js';
import { Cluster, clusterOf } from './cluster.js';
import { wrongWith } from './invariants.js';
import { plan } from './plans.js';

const steps: Step[] = [{ id: 'a' }, { id: 'b', kind: 'tcc' }, { id: 'c' }];

/** Pauses the owner at its k-th seam for so long; another adopts, and the first goes on. */
async function pausedAt(k: number, pauseMs: number, last: object) {
  const cluster = new Cluster(k);
  const owner = await cluster.start();
  await cluster.start();
  let reached = 0;
  cluster.onSeam = (_, name) => {
    if (name !== owner.name || ++reached !== k) return;
    owner.pause();
    cluster.processes[1]?.clock.after(pauseMs, owner.resume);
  };
  const xid = cluster.open(owner, plan([...steps.slice(0, 2), { id: 'c', input: { ...last } }]));
  await cluster.finish([xid]);
  await cluster.world.advance(2 * pauseMs);
  for (const process of cluster.processes) process.kill();
  return { cluster, xid, reached, owner };
}

for (const [last, ends] of [
  [{}, 'committed'],
  [{ forward: 'refused' }, 'rolled_back'],
] as const) {
  test(`G1 G2 A16 an owner that is paused past its lease anywhere disturbs nobody when it goes on (${ends})`, async (t) => {
    const { reached: seams } = await pausedAt(0, 0, last);
    for (let k = 1; k <= seams; k++) {
      const { cluster, xid, owner } = await pausedAt(k, 60_000, last);
      t.deepEqual(await wrongWith(cluster, [xid]), [], `paused at ${k} of ${seams}`);
      t.is(await cluster.status(xid), ends, `paused at ${k} of ${seams}`);
      t.is(owner.engine.size(), 0, 'the first lets go of it');
    }
  });
}

test('G2 a command that its sender held on to past its expiry is not sent', async (t) => {
  const { cluster, processes } = await clusterOf(t, 2);
  const [owner, other] = processes;
  cluster.onSeam = (seam) => {
    if (seam !== 'before send' || owner!.clock.state === 'paused' || cluster.world.ms > 0) return;
    owner!.pause();
    other!.clock.after(30_000, owner!.resume);
  };
  const xid = cluster.open(owner!, plan([{ id: 'a' }]));
  await cluster.world.advance(60_000);
  t.is(await cluster.status(xid), 'committed');
  t.deepEqual(cluster.sent('c1'), []);
  t.deepEqual(cluster.sent('c2'), ['1.action']);
});

test('G2 I5 a command of a dead owner that is still on its way is harmless when it arrives', async (t) => {
  const { cluster, processes } = await clusterOf(t, 2);
  let first = true;
  cluster.network.passage = () => {
    const delayMs = first ? 30_000 : 0;
    first = false;
    return { delayMs };
  };
  const xid = cluster.open(processes[0]!, plan([{ id: 'a' }, { id: 'b', input: { forward: 'refused' } }]));
  await cluster.world.advance(100);
  processes[0]!.kill();
  await cluster.finish([xid]);
  await cluster.world.advance(60_000);
  t.is(cluster.participant.arrived.filter(({ body }) => body.op === 'action' && body.branch === 1).length, 2);
  t.deepEqual(cluster.participant.effects(xid), ['1.action', '1.compensate']);
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});

test('G3 an owner that reaches the participants but not the store gets nowhere, and stops sending when its lease ends', async (t) => {
  const { cluster, processes } = await clusterOf(t, 2);
  const [owner] = processes;
  cluster.network.passage = ({ body }) => ({ answerDelayMs: body.op === 'action' ? 900 : 0 });
  const xid = cluster.open(owner!, plan([{ id: 'a' }, { id: 'b' }, { id: 'c', input: { forward: 'refused' } }]));
  await cluster.world.advance(1000);
  Object.assign(owner!.faults, { append: () => 'fails', read: () => 'fails', renew: () => 'fails' });
  const before = cluster.sent('c1').length;
  t.true(await cluster.finish([xid], 30_000));
  t.is(cluster.sent('c1').length, before, 'what it cannot write it does not act on');
  t.is(await cluster.status(xid), 'rolled_back');
  t.is(owner!.coordinator.sweep.leaseTerm(), undefined);
  Object.assign(owner!.faults, { append: () => 'through', read: () => 'through', renew: () => 'through' });
  await cluster.world.advance(60_000);
  t.deepEqual(await wrongWith(cluster, [xid]), []);
  t.is(owner!.engine.size(), 0);
});

test('I4 what comes in while the lease is out is taken, and acted on when it is back', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const { engine, faults, coordinator } = processes[0]!;
  faults.renew = () => 'fails';
  await cluster.world.advance(11_000);
  t.is(coordinator.sweep.leaseTerm(), undefined);
  const xid = cluster.newXid();
  t.true((await engine.handle(xid, plan([{ id: 'a' }]))).changed);
  await cluster.world.advance(5000);
  t.deepEqual(cluster.sent(), [], 'another may own it');
  faults.renew = () => 'through';
  t.true(await cluster.finish([xid], 5000));
  t.is(await cluster.status(xid), 'committed');
});
