/** The coordinator is killed between any two requests of a client, and while one waits. */
import test from 'ava';
import { NoCoordinator } from '../../sdk/index.js';
import type { Coordinator } from '../chaos/coordinator.js';
import { clientOf } from './clients.js';
import { flows, hastyClient } from './network-flows.js';
import type { Around } from './network-proxy.js';
import { requestsOf, startWorld } from './network-world.js';

/** The moments of one request at which it is killed; it comes back in a second or so. */
const moments = {
  /** The request finds nobody, nor do some that follow. */
  'before it': (coordinator: Coordinator): Around => ({
    async before() {
      await coordinator.kill();
      void coordinator.start();
    },
  }),
  'between it and its answer': (coordinator: Coordinator): Around => ({
    async after() {
      await coordinator.kill();
      void coordinator.start();
    },
  }),
};

for (const name of ['a plan', 'by hand', '@GlobalTransaction'] as const) {
  for (const [moment, kill] of Object.entries(moments)) {
    test.serial(
      `A2 A10 I5 I12 ${name}: one payment, though the coordinator is killed at a request, ${moment}`,
      async (t) => {
        const world = await startWorld(t);
        const { proxy, ledger, coordinator } = world;
        const flow = flows[name]!;
        const count = await requestsOf(t, flow, world);
        for (let at = 0; at < count; at++) {
          const order = `killed at ${at}`;
          proxy.arm(at, kill(coordinator));
          const client = clientOf(t, proxy.url);
          await flow({ client, url: ledger.url, order });
          t.deepEqual(await ledger.payments(order), { taken: 1, refunded: 0 }, order);
        }
      },
    );
  }

  test.serial(`A6 I5 ${name}: one payment, though the coordinator is killed while it is made`, async (t) => {
    const { proxy, ledger, coordinator } = await startWorld(t);
    let paid = 0;
    ledger.beforeAnswer = async () => {
      if (++paid !== 2) return;
      await coordinator.kill();
      await coordinator.start();
    };
    await flows[name]!({ client: clientOf(t, proxy.url), url: ledger.url, order: 'killed meanwhile' });
    t.deepEqual(await ledger.payments('killed meanwhile'), { taken: 1, refunded: 0 });
  });
}

test.serial(
  'I10 a client that gives up says that it does not know, and the deadline undoes what was done',
  async (t) => {
    const { proxy, ledger, coordinator } = await startWorld(t);
    const client = hastyClient(t, proxy.url, 1000, 200);
    const { xid } = await client.open({ name: 'checkout', timeoutMs: 1500 });
    proxy.arm(0, { after: () => coordinator.kill() });
    const branch = { id: 'payment', kind: 'saga', url: ledger.url, input: { order: 'given up' } } as const;
    const error = await t.throwsAsync(client.addBranch(xid, branch), { instanceOf: NoCoordinator });
    t.true(error?.wasSent);
    t.regex(error?.message ?? '', /; what was asked may have been done$/);
    t.deepEqual(await ledger.payments('given up'), { taken: 1, refunded: 0 });
    await coordinator.start();
    t.is((await clientOf(t, coordinator.url).wait(xid)).status, 'rolled_back');
    t.deepEqual(await ledger.payments('given up'), { taken: 1, refunded: 1 });
  },
);

test.serial('A10 a commit that nobody answered is still carried out', async (t) => {
  const { proxy, ledger, coordinator } = await startWorld(t);
  const client = hastyClient(t, proxy.url, 1000, 200);
  const { xid } = await client.open({ name: 'checkout', timeoutMs: 20_000 });
  await client.addBranch(xid, { id: 'payment', kind: 'saga', url: ledger.url, input: { order: 'committed' } });
  proxy.arm(0, { after: () => coordinator.kill() });
  t.true((await t.throwsAsync(client.commit(xid), { instanceOf: NoCoordinator }))?.wasSent);
  await coordinator.start();
  t.is((await clientOf(t, coordinator.url).wait(xid)).status, 'committed');
  t.deepEqual(await ledger.payments('committed'), { taken: 1, refunded: 0 });
});
