/** A request was carried out and its caller cannot hear how it ended. It must not take that for a no and pay again. */
import test from 'ava';
import { type Client, ConcordatError, NoCoordinator, Uncertain } from '../../sdk/index.js';
import { errors } from '../../sdk/protocol/errors.js';
import { plant } from '../participant/hosting.js';
import { clientOf } from './clients.js';
import { type Flow, flows, hastyClient } from './network-flows.js';
import { troubles } from './network-proxy.js';
import { requestsOf, startWorld, type World } from './network-world.js';

/** What a caller does not take for a no: it looks the transaction up before it pays again. */
function isUnknown(error: unknown): boolean {
  if (error instanceof ConcordatError && errors[error.code].status >= 500) return true;
  if (error instanceof ConcordatError && error.code === 'request_timeout') return true;
  if (error instanceof ConcordatError || error instanceof NoCoordinator) return error.wasSent;
  return error instanceof Uncertain;
}

interface Buying extends World {
  readonly client: Client;
  /** Without a network in between. */
  readonly direct: Client;
}

/** Buys, and takes what is a no by its word: buys again. Whether anybody knows that it was bought. */
async function buy(flow: Flow, order: string, { client, direct, ledger, proxy }: Buying): Promise<boolean> {
  const { url } = ledger;
  try {
    await flow({ client, url, order, back: () => proxy.back() });
    return true;
  } catch (error) {
    await proxy.back();
    if (isUnknown(error)) return false;
    await flow({ client: direct, url, order });
    return true;
  }
}

/** Every transaction has ended. */
async function settled(direct: Client): Promise<void> {
  const { items } = await direct.list({ limit: 500 });
  await Promise.all(
    items.map(async ({ xid }) => {
      const { status } = await direct.wait(xid, { timeoutMs: 1000 });
      // As its deadline would do; nobody drives it any more.
      if (status === 'active') await direct.rollback(xid).catch(() => undefined);
      await direct.wait(xid);
    }),
  );
}

for (const [name, flow] of Object.entries(flows)) {
  test.serial(`C5 C6 I5 I12 ${name}: never two payments, though nobody hears how any request ended`, async (t) => {
    const world = await startWorld(t);
    const direct = clientOf(t, world.coordinator.url);
    const count = await requestsOf(t, flow, world);
    const bought = new Map<string, boolean>();
    for (const trouble of troubles) {
      for (let at = 0; at < count; at++) {
        const order = `${trouble} at ${at}`;
        world.proxy.arm(at, trouble);
        const client = hastyClient(t, world.proxy.url, 400, 300);
        bought.set(order, await buy(flow, order, { ...world, client, direct }));
      }
    }
    await settled(direct);
    for (const [order, isKnown] of bought) {
      const { taken, refunded } = await world.ledger.payments(order);
      const paid = taken - refunded;
      t.true(isKnown ? paid === 1 : paid <= 1, `${order}: ${taken} taken, ${refunded} given back`);
    }
  });
}

test.serial('I5 a payment that is made twice, as silence is taken for a no, would be seen', async (t) => {
  const world = await startWorld(t);
  plant(t, 'silence-is-a-no');
  const direct = clientOf(t, world.coordinator.url);
  for (const trouble of ['the repeat gets 401', 'away after 202'] as const) {
    // After the opening and the parcel.
    world.proxy.arm(2, trouble);
    const client = hastyClient(t, world.proxy.url, 400, 300);
    await buy(flows['client.run']!, trouble, { ...world, client, direct });
    await settled(direct);
    t.deepEqual(await world.ledger.payments(trouble), { taken: 2, refunded: 0 }, trouble);
  }
});
