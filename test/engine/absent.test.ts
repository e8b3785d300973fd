import test, { type ExecutionContext } from 'ava';
import { Cluster, type Process } from './cluster.js';
import { wrongWith } from './invariants.js';
import { plan, policy } from './plans.js';

const hour = 3_600_000;

/** One coordinator, and a participant that comes and goes. */
async function withGuest(t: ExecutionContext) {
  const cluster = new Cluster();
  let isThere = false;
  let onCame: (participant: string) => void = () => undefined;
  cluster.presence = {
    reaches: () => isThere,
    watch: (listener) => {
      onCame = listener;
    },
  };
  const process: Process = await cluster.start();
  t.teardown(() => process.kill());
  return {
    cluster,
    process,
    comes: () => {
      isThere = true;
      onCame('shop');
    },
    goes: () => {
      isThere = false;
    },
  };
}

test('I4 a command waits for hours for somebody to come, and that is no attempt and writes nothing', async (t) => {
  const { cluster, process, comes } = await withGuest(t);
  const xid = cluster.open(process, plan([{ id: 'a' }, { id: 'b' }]));
  await cluster.world.advance(9 * hour);
  t.deepEqual(cluster.sent(), []);
  t.is((await cluster.rows(xid)).length, 1);
  comes();
  t.true(await cluster.finish([xid], 1000), 'at once');
  t.is(await cluster.status(xid), 'committed');
  t.deepEqual(
    cluster.network.sent.map(({ command: { attempt } }) => attempt),
    [1, 1],
  );
  const { expiresAt } = cluster.network.sent[0]!.command;
  t.true(expiresAt - (process.clock.now() - cluster.world.ms) >= 9 * hour, 'it has its full time from here');
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});

test('F1 a deadline that comes while nobody is there rolls back, and what was not sent is not undone either', async (t) => {
  const { cluster, process, comes } = await withGuest(t);
  const xid = cluster.open(process, plan([{ id: 'a' }], { deadlineAt: process.clock.now() + 5000 }));
  await cluster.world.advance(60_000);
  t.is(await cluster.status(xid), 'rolling_back');
  comes();
  t.true(await cluster.finish([xid], 10_000));
  t.is(await cluster.status(xid), 'rolled_back');
  t.deepEqual(cluster.participant.effects(xid), []);
  t.false(cluster.sent().includes('1.action'));
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});

test('an undo that nobody is there for does not park by waiting: only an attempt that fails can park it', async (t) => {
  const { cluster, process, comes, goes } = await withGuest(t);
  comes();
  cluster.network.passage = ({ body }) => {
    if (body.op === 'action' && body.id === 'b') goes();
    return {};
  };
  const impatient = { ...policy, parkAfterMs: 60_000 };
  const xid = cluster.open(
    process,
    plan([{ id: 'a' }, { id: 'b', input: { forward: 'fails' } }], {
      policy: impatient,
      deadlineAt: process.clock.now() + 5000,
    }),
  );
  await cluster.world.advance(9 * hour);
  t.is(await cluster.status(xid), 'rolling_back');
  comes();
  t.true(await cluster.finish([xid], 20_000));
  t.is(await cluster.status(xid), 'rolled_back');
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});
