import test from 'ava';
import { memoryStore } from '../../coordinator/store/memory.js';
import { Cluster } from './cluster.js';
import { wrongWith } from './invariants.js';
import { plan } from './plans.js';

test('H1 I2 what was read before an append with a lost answer is not acted upon after it', async (t) => {
  let slow = false;
  const cluster: Cluster = new Cluster(1, async ({ disk, world }) => {
    const store = memoryStore({ disk, time: world.database });
    const database = world.clock();
    return {
      ...store,
      load: async (xid) => {
        const rows = await store.load(xid);
        if (slow) await new Promise<void>((resolve) => void database.after(100, resolve));
        return rows;
      },
    };
  });
  // A slow read is no time that stands still.
  cluster.world.whileOutside = (work) => work;
  const process = await cluster.start();
  t.teardown(process.kill);
  const { engine, faults } = process;
  cluster.network.passage = ({ body, attempt }) => ({ answerDelayMs: body.branch === 2 && attempt === 1 ? 20 : 0 });
  const retry = { attemptsMax: 5, initialMs: 0, maxMs: 0, factor: 1 };
  const busy = { forward: 'busy', times: 1 } as const;
  const steps = ['a', 'b'].map((id) => ({ id, after: [], retry, input: busy }));
  const xid = cluster.open(process, plan(steps));
  await cluster.world.advance(900);
  slow = true;
  await cluster.world.advance(105);
  faults.append = ({ events }) => (events.includes('decided') ? 'answer lost' : 'through');
  await t.throwsAsync(engine.handle(xid, { type: 'rollback', reason: 'changed my mind' }));
  faults.append = () => 'through';
  slow = false;
  const decidedAt = cluster.world.ms;
  t.true(await cluster.finish([xid]));
  const late = cluster.network.sent.filter(({ at, command }) => at > decidedAt && command.body.op === 'action');
  t.deepEqual(late, []);
  t.deepEqual(await wrongWith(cluster, [xid]), []);
});
