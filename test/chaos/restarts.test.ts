import test, { type ExecutionContext } from 'ava';
import { readLog } from './log.js';
import { orderKinds, planOf, stepsOf } from './orders.js';
import { type Shop, startShop } from './shop.js';
import { Slots } from './slots.js';

const slots = new Slots();
const inTurn = (title: string, body: (t: ExecutionContext) => Promise<void>): void =>
  test(title, (t) => slots.run(() => body(t)));

/** Ends a coordinator that was asked to stop; its lease must be gone and its successor must not have to wait. */
async function stopped(t: ExecutionContext, shop: Shop): Promise<void> {
  t.is(await shop.coordinator.ending, 0);
  t.deepEqual((await readLog(shop.coordinator.db)).leases, []);
  t.deepEqual(await shop.auditNow(), []);
}

inTurn('A15 a graceful stop lets what is in flight finish, and its successor goes on at once', async (t) => {
  // With a lease like this, who had to wait for it would be seen waiting.
  const shop = await startShop(t, { env: { CONCORDAT_LEASE_MS: '600000', CONCORDAT_CALL_MS: '600000' } });
  const held = shop.services.payment.hold('before-work');
  const xid = await shop.order('sold out');
  await held.arrived;
  shop.coordinator.signal('SIGTERM');
  await shop.customer.refuses();
  held.release();
  await stopped(t, shop);
  const state = (await readLog(shop.coordinator.db)).states.get(xid);
  t.is(state?.branches[1]?.forward, 'done', 'the outcome that came during the stop is in the log');
  await shop.coordinator.start({ env: { CONCORDAT_LEASE_MS: '600000' } });
  t.is((await shop.settled([xid]))[0]?.status, 'rolled_back');
  t.deepEqual(await shop.effects(xid), [...orderKinds['sold out'].effects]);
  t.deepEqual(await shop.audit(), []);
});

inTurn('A15 a graceful stop does not wait beyond its grace, and the command takes effect once', async (t) => {
  const shop = await startShop(t, { env: { CONCORDAT_STOP_GRACE_MS: '300' } });
  const held = shop.services.payment.hold('before-work');
  const xid = await shop.order('good');
  await held.arrived;
  shop.coordinator.signal('SIGTERM');
  await stopped(t, shop);
  await shop.coordinator.start();
  await shop.triedAgain(xid, 'payment', 1);
  held.release();
  t.is((await shop.settled([xid]))[0]?.status, 'committed');
  t.deepEqual(await shop.effects(xid), [...orderKinds.good.effects]);
  t.deepEqual(await shop.audit(), []);
});

inTurn('E1 E2 I12 after a kill the same xid is the same order, and with another body a conflict', async (t) => {
  const shop = await startShop(t);
  const held = shop.services.order.hold('before-work');
  const body = { xid: 'mine', name: 'order', steps: planOf(shop.services, 'good') };
  t.is((await shop.customer.ask('POST', '', body)).status, 201);
  await held.arrived;
  await shop.coordinator.kill();
  await shop.coordinator.start();
  t.is((await shop.customer.ask('POST', '', body)).status, 200);
  const other = await shop.customer.ask('POST', '', { ...body, name: 'another' });
  t.is(other.status, 409);
  t.is(other.body.code, 'xid_conflict');
  held.release();
  await shop.settled(['mine']);
  t.is((await shop.customer.ask('POST', '', body)).status, 200);
  t.is((await shop.customer.ask('POST', '', { ...body, steps: body.steps.slice(1) })).status, 400);
  t.is((await shop.customer.ask('POST', '', { ...body, businessKey: 'x' })).body.code, 'xid_conflict');
  t.deepEqual(await shop.effects('mine'), [...orderKinds.good.effects]);
  t.deepEqual(await shop.audit(), []);
});

inTurn('E1 E2 I12 after a kill the same branch id is the same branch, and with another body a conflict', async (t) => {
  const shop = await startShop(t, { failpoint: 'before-answer@2' });
  const { order } = stepsOf(shop.services);
  await shop.customer.open({ xid: 'mine', name: 'initiated' });
  const adding = shop.customer.add('mine', order);
  await shop.coordinator.diesAtFailpoint();
  await shop.coordinator.start();
  t.is((await adding)?.status, 'done');
  const again = await shop.customer.ask('POST', '/mine/branches', order);
  t.is(again.status, 200);
  const other = await shop.customer.ask('POST', '/mine/branches', { ...order, timeoutMs: 1 });
  t.is(other.body.code, 'branch_conflict');
  t.is(await shop.customer.decide('mine', 'rollback'), 'rollback');
  t.is(await shop.customer.decide('mine', 'commit'), 'rollback');
  await shop.settled(['mine']);
  t.deepEqual(await shop.effects('mine'), ['order.cancelled', 'order.created']);
  t.deepEqual(await shop.audit(), []);
});

inTurn('L2 an order keeps the defaults that it began with, whatever they are after a restart', async (t) => {
  const shop = await startShop(t, { down: ['payment'], env: { CONCORDAT_ATTEMPTS_MAX: '4' } });
  const withDefaults = () => planOf(shop.services, 'saga').map(({ retry: _, ...step }) => step);
  const before = await shop.submit(withDefaults());
  await shop.triedAgain(before, 'payment', 1);
  await shop.coordinator.kill();
  await shop.coordinator.start({ env: { CONCORDAT_ATTEMPTS_MAX: '1000' } });
  const after = await shop.submit(withDefaults());
  await shop.reaches(before, ({ decision }) => decision === 'rollback');
  await shop.triedAgain(after, 'payment', 5);
  await shop.services.payment.start();
  const [first, second] = await shop.settled([before, after]);
  t.is(first?.status, 'rolled_back');
  t.is(second?.status, 'committed');
  t.deepEqual(await shop.effects(before), ['order.cancelled', 'order.created']);
  t.deepEqual(await shop.auditNow(), []);
});

for (const [way, status, effect] of [
  ['confirmed', 'committed', 'stock.taken'],
  ['cancelled', 'rolled_back', 'stock.freed'],
] as const) {
  inTurn(`A11 I2 killed when one of three branches was ${way}, the others are ${way} too`, async (t) => {
    const shop = await startShop(t);
    const pat = stepsOf(shop.services, 'pat').payment;
    const refused = { ...pat, input: { orderId: 1, customer: 'pat', amountCents: 1 } };
    // Three tries, and one of what the decision brings.
    const held = shop.services.stock.hold('before-work', 4);
    const tries = planOf(shop.services, 'tcc');
    const xid =
      status === 'committed'
        ? await shop.order('tcc')
        : await shop.submit([...tries, { ...refused, after: tries.map(({ id }) => id) }]);
    const settledBranch = status === 'committed' ? 'committed' : 'undone';
    await shop.reaches(xid, ({ branches }) => branches.some((branch) => branch.status === settledBranch));
    await shop.coordinator.kill();
    const told = async () => (await shop.effects(xid)).filter((each) => each === effect).length;
    t.is(await told(), 1);
    t.deepEqual(await shop.auditNow(), []);
    held.release();
    await shop.coordinator.start();
    t.is((await shop.settled([xid]))[0]?.status, status);
    t.is(await told(), 3);
    t.deepEqual(await shop.audit(), []);
  });
}

inTurn('Q10 A13 I5 a command that kills its coordinator each time is given up, and its branch is undone', async (t) => {
  const failpoint = 'after-send-before-reply';
  const shop = await startShop(t, { failpoint });
  const { payment } = stepsOf(shop.services);
  const input = { orderId: 1, customer: 'ann', amountCents: 5 };
  const placing = shop.submit([{ ...payment, input, retry: { attemptsMax: 3, maxMs: 200 } }]);
  // Three attempts of the forward op, and two of the undo that comes after them.
  for (let deaths = 1; deaths <= 5; deaths++) {
    await shop.coordinator.diesAtFailpoint();
    t.deepEqual(await shop.auditNow(), []);
    if (deaths < 5) await shop.coordinator.start({ failpoint });
  }
  const xid = await placing;
  const { states, crashes } = await readLog(shop.coordinator.db);
  const state = states.get(xid);
  t.is(state?.branches[0]?.forwardAttempts, 3);
  t.is(state?.decision, 'rollback');
  t.is(crashes.get(xid), 2, 'each death is in the log');
  t.true((await shop.effects(xid)).length <= 2);
  await shop.coordinator.start();
  t.is((await shop.settled([xid]))[0]?.status, 'rolled_back');
  t.deepEqual(await shop.audit(), []);
});
