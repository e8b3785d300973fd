import test, { type ExecutionContext } from 'ava';
import { type FaultyDisk, faultyDisk } from './faulty-disk.js';
import { orderKinds, planOf } from './orders.js';
import { type Ending, tooLate } from './program.js';
import { type Shop, startShop } from './shop.js';

interface Failing {
  readonly shop: Shop;
  readonly disk: FaultyDisk;
  /** Is under way, held by a service. */
  readonly xid: string;
  readonly release: () => void;
}

/** A shop whose coordinator has a disk that can fail, with one order finished and one under way. */
async function withFaultyDisk(t: ExecutionContext, planted?: string): Promise<Failing | undefined> {
  const disk = await faultyDisk(t);
  if (!disk) return undefined;
  const shop = await startShop(t, { env: disk.env, planted });
  await shop.settled([await shop.order('good')]);
  const held = shop.services.payment.hold('before-work');
  const xid = await shop.order('good');
  await held.arrived;
  return { shop, disk, xid, release: held.release };
}

/** One try to open another order; what is acknowledged is remembered. */
async function tryToOrder(shop: Shop, xid: string): Promise<number | undefined> {
  const answer = await shop.customer.once('POST', '', { xid, name: 'order', steps: planOf(shop.services, 'good') });
  if (answer && answer.status < 300) shop.customer.acknowledged.opened.add(xid);
  return answer?.status;
}

async function allGoOn(t: ExecutionContext, { shop, xid }: Failing, other: string): Promise<void> {
  await shop.customer.open({ xid: other, name: 'order', steps: planOf(shop.services, 'good') });
  for (const each of await shop.settled([xid, other])) {
    t.is(each.status, 'committed');
    t.deepEqual(await shop.effects(each.xid), [...orderKinds.good.effects]);
  }
  t.deepEqual(await shop.audit(), []);
}

/** How the coordinator ends after an fsync that failed. */
async function afterFailedSync({ shop, disk }: Failing, withinMs: number): Promise<Ending | 'too late'> {
  await disk.break('fsync');
  await tryToOrder(shop, 'other');
  return Promise.race([shop.coordinator.ending, tooLate(withinMs)]);
}

test('H13 I3 a failed fsync ends the coordinator, which does not try again, and nothing acknowledged is lost', async (t) => {
  const failing = await withFaultyDisk(t);
  if (!failing) return;
  const { shop, disk, release } = failing;
  const ending = await afterFailedSync(failing, 15_000);
  t.true(typeof ending === 'number' && ending !== 0, `it ended with ${ending}`);
  t.deepEqual(await shop.auditNow(), []);
  await disk.mend('fsync');
  release();
  await shop.coordinator.start();
  await allGoOn(t, failing, 'other');
});

test('H13 planted keep-going-after-fsync-error is seen', async (t) => {
  const failing = await withFaultyDisk(t, 'keep-going-after-fsync-error');
  if (!failing) return;
  t.is(await afterFailedSync(failing, 4000), 'too late');
});

test('H2 I3 on a full disk nothing is acknowledged, and work goes on when there is room again', async (t) => {
  const failing = await withFaultyDisk(t);
  if (!failing) return;
  const { shop, disk, xid, release } = failing;
  const { pid } = shop.coordinator;
  await disk.break('space');
  t.is(await tryToOrder(shop, 'other'), 503);
  t.is(await tryToOrder(shop, 'other'), 503);
  // The outcome of a command that is under way cannot be stored either.
  release();
  t.is((await shop.customer.get(xid)).status, 'active', 'what is there can still be read');
  t.deepEqual(await shop.auditNow(), []);
  await disk.mend('space');
  await allGoOn(t, failing, 'other');
  t.is(shop.coordinator.pid, pid);
});
