import test from 'ava';
import { systemChance } from '../../coordinator/clock.js';
import type { ConcordatError } from '../../sdk/protocol/errors.js';
import { spec } from '../decide/requests.js';
import { clusterOf } from './cluster.js';
import { wrongWith } from './invariants.js';
import { initiated, plan } from './plans.js';

const codeOf = (result: PromiseSettledResult<unknown>): string =>
  result.status === 'fulfilled' ? 'taken' : (result.reason as ConcordatError).code;

test('E1 E3 I5 the same transaction opened at once on two coordinators is one', async (t) => {
  const { cluster, processes } = await clusterOf(t, 2);
  const xid = cluster.newXid();
  const opened = await Promise.allSettled(
    processes.map(({ engine }) => engine.handle(xid, plan([{ id: 'a' }, { id: 'b' }]))),
  );
  t.deepEqual(opened.map(codeOf), ['taken', 'taken']);
  await cluster.finish([xid]);
  t.is(await cluster.status(xid), 'committed');
  t.deepEqual(cluster.participant.effects(xid), ['1.action', '2.action']);
  t.is(cluster.network.sent.length, 2);
});

test('E2 E3 another transaction under the same xid is refused, and the first one is not touched', async (t) => {
  const { cluster, processes } = await clusterOf(t, 2);
  const xid = cluster.newXid();
  const bodies = [plan([{ id: 'a' }]), plan([{ id: 'z' }], { fingerprint: 'f2' })];
  const opened = await Promise.allSettled(processes.map(({ engine }, index) => engine.handle(xid, bodies[index]!)));
  t.deepEqual(opened.map(codeOf).sort(), ['taken', 'xid_conflict']);
  await cluster.finish([xid]);
  t.deepEqual(await wrongWith(cluster, [xid]), []);
  t.deepEqual(cluster.participant.effects(xid), ['1.action']);
});

test('E5 two coordinators draw different ids', (t) => {
  const ids = [systemChance(), systemChance()].flatMap((chance) =>
    Array.from({ length: 5000 }, () => [chance.id(), chance.uuid()]).flat(),
  );
  t.is(new Set(ids).size, ids.length);
});

test('E6 I2 commit and rollback at once on two coordinators: one wins, and both answers say which', async (t) => {
  for (const [first, second] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const { cluster, processes } = await clusterOf(t, 2, first + 1);
    const xid = cluster.newXid();
    await processes[0]!.engine.handle(xid, initiated());
    await processes[0]!.engine.handle(xid, { type: 'add_branch', spec: spec({ id: 'a', kind: 'tcc', input: {} }) });
    await cluster.world.settle();
    const answers = await Promise.allSettled([
      processes[first]!.engine.handle(xid, { type: 'commit' }),
      processes[second]!.engine.handle(xid, { type: 'rollback', reason: 'changed my mind' }),
    ]);
    await cluster.finish([xid]);
    const committed = (await cluster.status(xid)) === 'committed';
    t.deepEqual(answers.map(codeOf), committed ? ['taken', 'already_decided'] : ['already_decided', 'taken']);
    t.deepEqual(cluster.participant.effects(xid), ['1.try', committed ? '1.confirm' : '1.cancel']);
    t.deepEqual(await wrongWith(cluster, [xid]), []);
  }
});

test('F1 I2 the deadline on one coordinator against the last reply on another has one outcome', async (t) => {
  for (const answerDelayMs of [399, 400, 401]) {
    const { cluster, processes } = await clusterOf(t, 2, answerDelayMs);
    cluster.network.passage = () => ({ answerDelayMs });
    const deadlineAt = processes[0]!.clock.now() + 400;
    const xid = cluster.open(processes[0]!, plan([{ id: 'a', kind: 'tcc' }], { deadlineAt }));
    await cluster.world.advance(399);
    processes[1]!.clock.after(1, () => void processes[1]!.engine.handle(xid, { type: 'deadline' }));
    await cluster.finish([xid]);
    t.deepEqual(await wrongWith(cluster, [xid]), [], `the reply after ${answerDelayMs} ms`);
    t.deepEqual(cluster.participant.effects(xid), [
      '1.try',
      (await cluster.status(xid)) === 'committed' ? '1.confirm' : '1.cancel',
    ]);
  }
});

test('G4 I4 work that two coordinators made due is done by both, each its own', async (t) => {
  const { cluster, processes } = await clusterOf(t, 2);
  const xid = cluster.newXid();
  await processes[0]!.engine.handle(xid, initiated());
  for (const [index, { engine }] of [...processes, ...processes].entries()) {
    await engine.handle(xid, { type: 'add_branch', spec: spec({ id: `s${index}`, kind: 'tcc', input: {} }) });
  }
  await processes[1]!.engine.handle(xid, { type: 'commit' });
  await cluster.finish([xid]);
  t.is(await cluster.status(xid), 'committed');
  t.is(cluster.network.sent.length, 8, 'nothing is sent twice');
  t.deepEqual([...new Set(cluster.network.sent.map(({ from }) => from))].sort(), ['c1', 'c2']);
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});
