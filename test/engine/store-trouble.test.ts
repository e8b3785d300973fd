import test, { type ExecutionContext } from 'ava';
import type { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Step } from '../decide/requests.js';
import { Cluster, clusterOf } from './cluster.js';
import { wrongWith } from './invariants.js';
import { plan } from './plans.js';
import type { Fate } from './store.js';

const three: Step[] = [{ id: 'a' }, { id: 'b', kind: 'tcc' }, { id: 'c' }];

/** The k-th append of the only coordinator has this fate, and the store is out for a while after it. */
async function outageAt(t: ExecutionContext, k: number, fate: Fate, outageMs: number): Promise<number> {
  const cluster = new Cluster(k);
  const process = await cluster.start();
  let appends = 0;
  let until = -1;
  const isOut = () => cluster.world.ms < until;
  process.faults.append = () => {
    if (isOut()) return 'fails';
    if (++appends !== k) return 'through';
    until = cluster.world.ms + outageMs;
    return fate;
  };
  process.faults.read = () => (isOut() ? 'fails' : 'through');
  process.faults.renew = process.faults.read;
  const xid = cluster.newXid();
  const opened = await process.engine.handle(xid, plan(three)).then(
    () => 'taken',
    (error: ConcordatError) => error.code,
  );
  t.is(opened, k === 1 ? 'store_unavailable' : 'taken');
  t.true(await cluster.finish([xid], outageMs + 30_000), `${fate} at append ${k}`);
  t.is(await cluster.status(xid), fate === 'fails' && k === 1 ? 'absent' : 'committed');
  t.deepEqual(await wrongWith(cluster, [xid]), [], `${fate} at append ${k}`);
  await cluster.world.advance(outageMs + 10_000);
  t.is(process.engine.size(), 0, `${fate} at append ${k}: nothing stays in memory`);
  process.kill();
  return appends;
}

for (const fate of ['fails', 'answer lost'] as const) {
  for (const outageMs of [0, 3000, 25_000]) {
    test(`H1 I3 I4 an append that ${fate === 'fails' ? fate : 'lost its answer'}, and ${outageMs} ms without a store, lose nothing`, async (t) => {
      const appends = await outageAt(t, 0, fate, outageMs);
      for (let k = 1; k <= appends; k++) await outageAt(t, k, fate, outageMs);
    });
  }
}

test('I3 callers hear store_unavailable while the store is out, and outcomes are tried until it takes them', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const { engine, faults } = processes[0]!;
  cluster.network.passage = () => ({ answerDelayMs: 500 });
  const xids = Array.from({ length: 20 }, () => cluster.open(processes[0]!, plan(three)));
  await cluster.world.advance(100);
  faults.append = () => 'fails';
  await cluster.world.advance(8000);
  const refused = await t.throwsAsync<ConcordatError>(engine.handle(cluster.newXid(), plan(three)));
  t.is(refused?.code, 'store_unavailable');
  t.is(cluster.network.sent.length, 20);
  faults.append = () => 'through';
  t.true(await cluster.finish(xids, 20_000));
  t.deepEqual(await wrongWith(cluster, xids), []);
  t.is(cluster.network.sent.filter(({ command }) => command.attempt > 1).length, 0, 'no outcome was asked for twice');
});

test('I1 an outcome that cannot be stored parks its own branch and nobody else', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const { faults, engine } = processes[0]!;
  faults.append = ({ events }) => (events.includes('"b action"') ? 'unstorable' : 'through');
  const together: Step[] = [
    { id: 'a', after: [] },
    { id: 'b', after: [] },
    { id: 'c', after: [] },
  ];
  const xid = cluster.open(processes[0]!, plan(together));
  const other = cluster.open(processes[0]!, plan([{ id: 'a' }]));
  await cluster.finish([xid, other]);
  const state = await cluster.state(xid);
  t.deepEqual(
    state?.branches.map(({ stage }) => stage.at),
    ['done', 'parked', 'done'],
  );
  t.regex(state?.branches[1]?.lastError ?? '', /could not be stored/);
  t.is(await cluster.status(other), 'committed');
  t.is(engine.size(), 0);
});

test('E2 a transaction that cannot be stored is refused as too large, and nothing of it stays', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const { faults, engine } = processes[0]!;
  faults.append = () => 'unstorable';
  const error = await t.throwsAsync<ConcordatError>(engine.handle(cluster.newXid(), plan(three)));
  t.is(error?.code, 'too_large');
  t.is(engine.size(), 0);
});

test('H14 I11 upon a store that lost its tail nothing is appended as if it were there', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  cluster.network.passage = ({ body }) => ({ answerDelayMs: body.branch === 3 ? 500 : 0 });
  const xid = cluster.open(processes[0]!, plan([{ id: 'a' }, { id: 'b' }, { id: 'c' }]));
  await cluster.world.settle();
  cluster.disk.logs.get(xid)?.splice(2);
  await cluster.world.advance(20_000);
  t.deepEqual(
    (await cluster.rows(xid)).map(({ seq }, index) => seq === index + 1),
    [true, true, true, true],
  );
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});
