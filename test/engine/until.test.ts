import test from 'ava';
import { type State, statusOf } from '../../coordinator/decide/state.js';
import type { ConcordatError } from '../../sdk/protocol/errors.js';
import { clusterOf } from './cluster.js';
import { initiated, plan } from './plans.js';

const isFinal = (state: State): boolean => state.ended !== null;
const doneOnes = (count: number) => (state: State) =>
  state.branches.filter(({ forward }) => forward === 'done').length >= count;
const slow = () => ({ answerDelayMs: 600 });

test('several callers wait for one transaction, each for something else', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  cluster.network.passage = slow;
  const { engine } = processes[0]!;
  const xid = cluster.open(processes[0]!, plan([{ id: 'a' }, { id: 'b' }]));
  const at: number[] = [];
  for (const when of [doneOnes(1), isFinal, doneOnes(3)]) {
    void engine.until(xid, when, 5000).then(() => at.push(cluster.world.ms));
  }
  await cluster.world.advance(10_000);
  t.deepEqual(at, [600, 1200, 5000]);
  t.is(engine.size(), 0);
});

test('a caller is answered when its time is up, though the store does not answer at all', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const { engine, faults } = processes[0]!;
  const xid = cluster.newXid();
  await engine.handle(xid, initiated());
  let answered: string | undefined;
  void engine.until(xid, isFinal, 3000).then((state) => (answered = `${statusOf(state)} after ${cluster.world.ms} ms`));
  await cluster.world.advance(100);
  faults.read = () => 'hangs';
  await cluster.world.advance(3000);
  t.is(answered, 'active after 3000 ms');
});

test('a caller hears what another coordinator did', async (t) => {
  const { cluster, processes } = await clusterOf(t, 2);
  cluster.network.passage = slow;
  const xid = cluster.open(processes[0]!, plan([{ id: 'a' }, { id: 'b' }]));
  await cluster.world.settle();
  let at = 0;
  void processes[1]!.engine.until(xid, isFinal, 10_000).then(() => (at = cluster.world.ms));
  await cluster.world.advance(10_000);
  t.true(at >= 1200 && at < 2500, `after ${at} ms`);
  t.is(cluster.sent('c2').length, 0, 'who waits does not interfere');
  t.is(processes[1]!.engine.size(), 0);
});

test('waiting for what is not there is an error, and leaves nothing behind', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const { engine } = processes[0]!;
  const error = await t.throwsAsync<ConcordatError>(engine.until(cluster.newXid(), isFinal, 1000));
  t.is(error?.code, 'transaction_not_found');
  t.is(await engine.read(cluster.newXid()), undefined);
  t.is(engine.size(), 0);
});
