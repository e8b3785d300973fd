/** Money that moves outside of every database of ours: what is killed, lost or late must not move it twice. */
import test, { type ExecutionContext } from 'ava';
import { type OrderKind, orderKinds } from './orders.js';
import { servicePoints } from './services.js';
import { type Shop, startShop } from './shop.js';
import { Slots } from './slots.js';

const slots = new Slots();
const inTurn = (title: string, body: (t: ExecutionContext) => Promise<void>): void =>
  test(title, (t) => slots.run(() => body(t)));

const kinds: readonly OrderKind[] = ['transferred', 'transferred, sold out', 'transferred', 'transferred, sold out'];

async function endAsTheyMust(t: ExecutionContext, shop: Shop, xids: readonly string[]): Promise<void> {
  for (const { xid, status } of await shop.settled(xids)) {
    const { ends, effects } = orderKinds[shop.kinds.get(xid)!];
    t.is(status, ends);
    t.deepEqual(await shop.effects(xid), [...effects]);
  }
  t.deepEqual(await shop.audit(), []);
}

const placeAll = (shop: Shop): Promise<readonly string[]> => Promise.all(kinds.map((kind) => shop.order(kind)));

inTurn('C6 I5 I9 a provider that loses every second answer charges once and gives back once', async (t) => {
  const shop = await startShop(t, { named: true, provider: ['--lose-every', '2'] });
  await endAsTheyMust(t, shop, await placeAll(shop));
});

inTurn('I1 I9 a charge that takes its time is asked for again until it went through', async (t) => {
  const shop = await startShop(t, { named: true, provider: ['--settle-ms', '300'] });
  await endAsTheyMust(t, shop, await placeAll(shop));
});

inTurn('B1 I5 I9 a provider that is killed on the way and comes back charges once', async (t) => {
  const shop = await startShop(t, { named: true, provider: ['--slow-ms', '100'] });
  const placing = placeAll(shop);
  await shop.reaches((await placing)[0]!, ({ branches }) =>
    branches.some(({ id, status }) => id === 'payment' && status === 'running'),
  );
  await shop.provider!.kill();
  t.deepEqual(await shop.auditNow(), []);
  await shop.provider!.start();
  await endAsTheyMust(t, shop, await placing);
});

for (const point of servicePoints) {
  inTurn(`B2 B3 C6 I5 payment is killed at ${point} around a transfer, and the money moves once`, async (t) => {
    const shop = await startShop(t, { named: true, provider: [], participantFailpoint: { payment: `${point}@2` } });
    const placing = placeAll(shop);
    t.is(await shop.services.payment.ending, 'SIGKILL');
    t.deepEqual(await shop.auditNow(), []);
    await shop.services.payment.start();
    await endAsTheyMust(t, shop, await placing);
  });
}
