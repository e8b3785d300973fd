/** The network between a client and its coordinator fails at each request of each flow, in each way. */
import test from 'ava';
import { NoCoordinator } from '../../sdk/index.js';
import { clientOf } from './clients.js';
import { flows, hastyClient } from './network-flows.js';
import { faults } from './network-proxy.js';
import { requestsOf, startWorld } from './network-world.js';

for (const [name, flow] of Object.entries(flows)) {
  test.serial(`C5 C6 I5 I12 ${name}: one payment, whatever happens to any request`, async (t) => {
    const world = await startWorld(t);
    const { proxy, ledger, coordinator } = world;
    const direct = clientOf(t, coordinator.url);
    const count = await requestsOf(t, flow, world);
    t.true(count >= 1);
    for (const fault of faults) {
      for (let at = 0; at < count; at++) {
        const order = `${fault} at ${at}`;
        proxy.arm(at, fault);
        await flow({ client: hastyClient(t, proxy.url, 400), url: ledger.url, order });
        await proxy.again();
        t.deepEqual(await ledger.payments(order), { taken: 1, refunded: 0 }, order);
      }
    }
    const { items } = await direct.list({ limit: 500 });
    t.deepEqual(new Set(items.map(({ status }) => status)), new Set(['committed']));
    t.is(items.length, 1 + faults.length * count);
  });
}

test.serial('I5 that a payment is made twice would be seen', async (t) => {
  const { proxy, ledger } = await startWorld(t);
  const buy = (): Promise<unknown> =>
    flows['a plan']!({ client: clientOf(t, proxy.url, { patienceMs: 0 }), url: ledger.url, order: 'twice' });
  proxy.arm(0, 'the answer is lost');
  // Asking for the whole again, with a new id, is what the client must not do.
  t.true((await t.throwsAsync(buy(), { instanceOf: NoCoordinator }))?.wasSent);
  await buy();
  t.is((await ledger.payments('twice')).taken, 2);
});
