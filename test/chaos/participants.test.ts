import test, { type ExecutionContext } from 'ava';
import { headers } from '../../sdk/protocol/commands.js';
import { orderKinds, planOf, stepsOf } from './orders.js';
import { eventually } from './program.js';
import { startRogue } from './rogue.js';
import { serviceNames, servicePoints } from './services.js';
import { type Shop, startShop } from './shop.js';
import { Slots } from './slots.js';

const slots = new Slots();
const inTurn = (title: string, body: (t: ExecutionContext) => Promise<void>): void =>
  test(title, (t) => slots.run(() => body(t)));

inTurn('B1 I1 a participant that is down at first gets its command when it comes', async (t) => {
  const shop = await startShop(t, { down: ['payment'] });
  const xid = await shop.order('good');
  await shop.triedAgain(xid, 'payment');
  await shop.services.payment.start();
  t.is((await shop.settled([xid]))[0]?.status, 'committed');
  t.deepEqual(await shop.effects(xid), [...orderKinds.good.effects]);
  t.deepEqual(await shop.audit(), []);
});

inTurn('B1 I1 a participant that never comes has its transaction rolled back, without an effect', async (t) => {
  const shop = await startShop(t, { down: ['stock'] });
  const steps = planOf(shop.services, 'sold out').map((step) => ({ ...step, retry: { attemptsMax: 3 } }));
  const xid = await shop.submit(steps);
  await shop.reaches(xid, ({ waitingOn }) => waitingOn[0]?.op === 'cancel');
  t.deepEqual(await shop.effects(xid), ['order.created', 'payment.charged']);
  await shop.services.stock.start();
  t.is((await shop.settled([xid]))[0]?.status, 'rolled_back');
  t.deepEqual(await shop.effects(xid), [...orderKinds['sold out'].effects]);
  t.deepEqual(await shop.audit(), []);
});

for (const point of servicePoints) {
  for (const name of serviceNames) {
    const number = point === 'fence-before-work' ? 'B1' : point === 'fence-before-commit' ? 'B3' : 'B2';
    inTurn(`${number} C6 I5 ${name} is killed at ${point}, and each effect is there once`, async (t) => {
      const shop = await startShop(t, { participantFailpoint: { [name]: `${point}@2` } });
      const placing = (['good', 'refused', 'sold out', 'initiated'] as const).map((kind) => shop.order(kind));
      t.is(await shop.services[name].ending, 'SIGKILL');
      await shop.services[name].start();
      const xids = await Promise.all(placing);
      for (const { xid, status } of await shop.settled(xids)) {
        const { ends, effects } = orderKinds[shop.kinds.get(xid)!];
        t.is(status, ends);
        t.deepEqual(await shop.effects(xid), [...effects]);
      }
      t.deepEqual(await shop.audit(), []);
    });
  }
}

/** An order that is sold out after the money was taken, by a payment service that is gone for good then. */
async function paymentGone(t: ExecutionContext): Promise<{ shop: Shop; xid: string }> {
  const shop = await startShop(t, { apart: ['payment'], env: { CONCORDAT_PARK_AFTER_MS: '700' } });
  const held = shop.services.stock.hold('before-work');
  const xid = await shop.submit(planOf(shop.services, 'sold out').map((step) => ({ ...step, timeoutMs: 500 })));
  await held.arrived;
  await shop.services.payment.kill();
  held.release();
  const [parked] = await shop.settled([xid]);
  t.is(parked?.status, 'parked');
  t.deepEqual(
    parked?.branches.map(({ id, status }) => `${id} ${status}`),
    ['order undone', 'payment parked', 'stock refused', 'complete skipped'],
  );
  t.deepEqual(await shop.effects(xid), ['order.cancelled', 'order.created', 'payment.charged']);
  return { shop, xid };
}

inTurn('B7 N3 I8 a participant that is gone parks its undo alone, and a retry by a person mends it', async (t) => {
  const { shop, xid } = await paymentGone(t);
  await shop.services.payment.start();
  t.is((await shop.customer.ask('POST', `/${xid}/retry`, {})).status, 200);
  t.is((await shop.settled([xid]))[0]?.status, 'rolled_back');
  t.deepEqual(await shop.effects(xid), [...orderKinds['sold out'].effects]);
  t.deepEqual(await shop.audit(), []);
});

inTurn('B7 N4 N5 an undo that a person resolved by hand is never run again by itself', async (t) => {
  const { shop, xid } = await paymentGone(t);
  const resolution = { branches: [{ branch: 2, as: 'skipped', reason: 'refunded by hand' }] };
  const early = await shop.customer.ask('POST', `/${xid}/resolve`, {
    branches: [{ branch: 1, as: 'skipped', reason: 'not parked' }],
  });
  t.is(early.body.code, 'branch_not_parked');
  const { status } = await eventually('the last command expired', async () => {
    const answer = await shop.customer.ask('POST', `/${xid}/resolve`, resolution);
    return answer.body.code === 'command_in_flight' ? undefined : answer;
  });
  t.is(status, 200);
  t.is((await shop.settled([xid]))[0]?.status, 'resolved');
  await shop.services.payment.start();
  await shop.coordinator.kill();
  await shop.coordinator.start();
  const other = await shop.order('good');
  await shop.settled([other]);
  t.deepEqual(await shop.effects(xid), ['order.cancelled', 'order.created', 'payment.charged']);
  t.deepEqual(await shop.auditNow(), []);
});

inTurn('J6 a participant that answers "pending" for ever is given up, and the others are undone', async (t) => {
  const shop = await startShop(t, { env: { CONCORDAT_PENDING_FOR_MS: '400' } });
  let cancelled = 0;
  const rogue = await startRogue(t, ({ op }) => {
    if (op === 'try') return { status: 202, headers: { 'retry-after': '0' } };
    cancelled++;
    return { status: 200 };
  });
  const { order, payment, stock } = stepsOf(shop.services);
  const xid = await shop.submit([order, payment, { ...stock, url: `${rogue}/reserve` }]);
  const [ended] = await shop.settled([xid]);
  t.is(ended?.status, 'rolled_back');
  t.is(cancelled, 1);
  t.deepEqual(await shop.effects(xid), [...orderKinds['sold out'].effects]);
});

inTurn('K1 K5 C5 I5 garbage in place of an answer is no answer: the command is sent again', async (t) => {
  const shop = await startShop(t);
  const ids: unknown[] = [];
  const rogue = await startRogue(t, ({ op, count, headers: sent }) => {
    if (op !== 'action') return { status: 200 };
    ids.push(sent[headers.webhookId]);
    return count < 4 ? { status: 200, body: ['', '<html>', '{"a":1', '\u0000'][count]! } : { status: 200, body: '{}' };
  });
  const xid = await shop.submit([{ id: 'rogue', kind: 'saga', url: `${rogue}/x`, input: {} }]);
  t.is((await shop.settled([xid]))[0]?.status, 'committed');
  t.is(new Set(ids).size, 1);
  t.is(ids.length, 4);
});
