/** The reference services in one process with their coordinator; what counts is what their books say in the end. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { embed } from '../../coordinator/index.js';
import { audit, type Databases } from '../../participants/audit/audit.js';
import { openDatabase } from '../../participants/database.js';
import type { OrderService } from '../../participants/order/order.js';
import type { PaymentService } from '../../participants/payment/payment.js';
import type { StockService } from '../../participants/stock/stock.js';
import {
  ConcordatError,
  GlobalTransaction,
  Pending,
  participant,
  Refused,
  type Remote,
  saga,
} from '../../sdk/index.js';
import { isFinal } from '../../sdk/protocol/views.js';
import { ledger, opens, temporary } from './shop.js';

const names = ['order', 'payment', 'stock'] as const;

async function openShop(t: ExecutionContext, ...others: readonly object[]) {
  const directory = await temporary(t);
  const fileOf = (name: string): string => path.join(directory, `${name}.db`);
  const services = await Promise.all(
    names.map(async (name) => {
      const db = openDatabase(fileOf(name));
      t.teardown(() => db.destroy());
      return opens[name](db, undefined);
    }),
  );
  const client = await embed({ store: `sqlite:${fileOf('coordinator')}`, participants: [...services, ...others] });
  t.teardown(() => client.close());
  const databases: Databases = { order: fileOf('order'), payment: fileOf('payment'), stock: fileOf('stock') };
  return {
    client,
    checkout: new Checkout(client.remote('order'), client.remote('stock'), client.remote('payment')),
    databases,
    directory,
    /** What is wrong when all have ended. */
    async audit(): Promise<readonly string[]> {
      const { items } = await client.list({ limit: 500 });
      const told = await Promise.all(items.map(({ xid }) => client.wait(xid)));
      const unfinished = told.filter(({ status }) => !isFinal(status)).map(({ xid, status }) => `${xid}: ${status}`);
      return [...unfinished, ...(await audit(databases, told)).flatMap(({ violations }) => violations)];
    },
  };
}

type Shop = Awaited<ReturnType<typeof openShop>>;

const lines = [{ sku: 'tea', quantity: 1, priceCents: 350 }];

class Checkout {
  readonly order: Remote<OrderService>;
  readonly stock: Remote<StockService>;
  readonly payment: Remote<PaymentService>;

  constructor(order: Remote<OrderService>, stock: Remote<StockService>, payment: Remote<PaymentService>) {
    this.order = order;
    this.stock = stock;
    this.payment = payment;
  }

  @GlobalTransaction({ name: 'checkout' })
  async place(customer: string, sku: string): Promise<number> {
    const { orderId, totalCents } = await this.order.place({
      customer,
      lines: [{ sku, quantity: 1, priceCents: 350 }],
    });
    await this.stock.reserve({ orderId, lines: [{ sku, quantity: 1 }] });
    await this.payment.charge({ customer, orderId, amountCents: totalCents });
    return orderId;
  }
}

const effectsOf = async ({ databases }: Shop, xid: string): Promise<readonly string[]> => {
  const all = await Promise.all(names.map((name) => ledger(databases[name]!)));
  return all
    .flat()
    .filter((line) => line.split(' ')[1] === xid)
    .map((line) => line.split(' ')[0]!)
    .sort();
};

const planOf = (xid: string) => ({
  xid,
  name: 'order',
  steps: [
    { id: 'order', participant: 'order', handler: 'place', input: { customer: 'ann', lines } },
    { id: 'stock', participant: 'stock', handler: 'reserve', input: { orderId: { $from: 'order.orderId' }, lines } },
    {
      id: 'payment',
      participant: 'payment',
      handler: 'charge',
      input: { customer: 'ann', orderId: { $from: 'order.orderId' }, amountCents: 350 },
    },
  ],
});

test('I1 I5 I7 I9 orders through one method leave books that add up, whatever was refused', async (t) => {
  const shop = await openShop(t);
  t.is(await shop.checkout.place('ann', 'tea'), 1);
  const poor = await t.throwsAsync(shop.checkout.place('bob', 'tea'), { instanceOf: Refused });
  t.is(poor?.code, 'insufficient_funds');
  const soldOut = await t.throwsAsync(shop.checkout.place('ann', 'kettle'), { instanceOf: Refused });
  t.is(soldOut?.code, 'sold_out');
  t.deepEqual(await shop.audit(), []);
  const placed = (await ledger(shop.databases.order)).map((row) => row.split(' ')[0]).sort();
  t.deepEqual(placed, ['order.cancelled', 'order.cancelled', 'order.created', 'order.created', 'order.created']);
  // The fence is in the databases of the services, and nothing else was made beside them.
  t.deepEqual((await readdir(shop.directory)).filter((name) => name.endsWith('.db')).sort(), [
    'coordinator.db',
    'order.db',
    'payment.db',
    'stock.db',
  ]);
});

test('E7 E6 of a commit and a rollback that are asked for at once one wins, and all books agree', async (t) => {
  const shop = await openShop(t);
  const { client } = shop;
  for (let i = 0; i < 8; i++) {
    const { xid } = await client.open({ name: 'race' });
    await client.addBranch(xid, { ...planOf(xid).steps[0]!, id: 'order' });
    const stock = { id: 'stock', participant: 'stock', handler: 'reserve', input: { orderId: i + 1, lines } };
    const payment = { customer: 'ann', orderId: i + 1, amountCents: 350 };
    await client.addBranch(xid, stock);
    await client.addBranch(xid, { id: 'payment', participant: 'payment', handler: 'charge', input: payment });
    const asked = [() => client.commit(xid), () => client.rollback(xid)];
    const said = await Promise.allSettled((i % 2 ? asked : asked.reverse()).map((ask) => ask()));
    const lost = said.filter((each) => each.status === 'rejected');
    t.is(lost.length, 1);
    t.is(lost[0]!.reason.code, 'already_decided');
    const { decision } = await client.wait(xid);
    const won = said.find((each) => each.status === 'fulfilled');
    t.is(won?.value.decision, decision);
    t.is((await effectsOf(shop, xid)).includes('stock.taken'), decision === 'commit');
  }
  t.deepEqual(await shop.audit(), []);
});

test('E7 a client that cancels a plan while it completes is told what it came to, and the books say the same', async (t) => {
  const shop = await openShop(t);
  const { client } = shop;
  for (let i = 0; i < 8; i++) {
    const xid = `cancelled-${i}`;
    const submitted = client.submit(planOf(xid));
    await submitted;
    // Ever later: from before the first step to after the last.
    for (let looks = 0; looks < i; looks++) await client.get(xid);
    const answer = await client.rollback(xid).then(
      ({ decision }) => decision,
      (error: unknown) => (error instanceof ConcordatError ? error.code : error),
    );
    const { decision, status } = await client.wait(xid);
    t.is(answer, decision === 'commit' ? 'already_decided' : 'rollback');
    t.is(status, decision === 'commit' ? 'committed' : 'rolled_back');
    t.is((await effectsOf(shop, xid)).includes('order.cancelled'), decision !== 'commit' && (await placed(shop, xid)));
  }
  t.deepEqual(await shop.audit(), []);
});

const placed = async (shop: Shop, xid: string): Promise<boolean> =>
  (await effectsOf(shop, xid)).includes('order.created');

test('I12 C1 the same plan and the same branch, sent again and at once, are one order with one answer', async (t) => {
  const shop = await openShop(t);
  const { client } = shop;
  const views = await Promise.all([1, 2, 3].map(() => client.submit(planOf('mine'), { waitSeconds: 30 })));
  t.is(new Set(views.map(({ result }) => JSON.stringify(result))).size, 1);
  const other = { ...planOf('mine'), name: 'another' };
  await t.throwsAsync(client.submit(other), { code: 'xid_conflict' });

  const { xid } = await client.open({ name: 'by hand' });
  const branch = { id: 'order', participant: 'order', handler: 'place', input: { customer: 'ann', lines } };
  const branches = await Promise.all([1, 2, 3].map(() => client.addBranch(xid, branch)));
  t.is(new Set(branches.map(({ output }) => JSON.stringify(output))).size, 1);
  const changed = { ...branch, input: { customer: 'bob', lines } };
  await t.throwsAsync(client.addBranch(xid, changed), { code: 'branch_conflict' });
  await client.rollback(xid);
  await client.wait(xid);
  t.deepEqual(await effectsOf(shop, xid), ['order.cancelled', 'order.created']);
  t.deepEqual(await shop.audit(), []);
});

test('C2 C3 an outcome that is told twice counts once, and one that contradicts it changes nothing', async (t) => {
  const tickets: string[] = [];
  const undone: unknown[] = [];
  const courier = participant({
    name: 'courier',
    handlers: {
      fetch: saga({
        fence: 'none',
        async action(_input: null, tx): Promise<{ parcel: number }> {
          tickets.push(tx.ticket);
          throw new Pending({ retryAfterMs: 60_000 });
        },
        compensate: async (_input, tx) => {
          undone.push(tx.output);
        },
      }),
    },
  });
  const shop = await openShop(t, courier);
  const { client } = shop;
  const { xid } = await client.open({ name: 'late' });
  const adding = client.addBranch(xid, { id: 'parcel', participant: 'courier', handler: 'fetch', input: null });
  while (tickets.length === 0) await client.get(xid);
  const done = { outcome: 'done', output: { parcel: 7 } } as const;
  for (const _ of [1, 2]) t.is((await client.report(tickets[0]!, done)).status, 'done');
  t.deepEqual((await adding).output, { parcel: 7 });
  await t.throwsAsync(client.report(tickets[0]!, { outcome: 'refused', reason: 'after all' }), {
    code: 'outcome_contradicts',
  });
  await client.rollback(xid);
  t.is((await client.wait(xid)).status, 'rolled_back');
  t.deepEqual(undone, [{ parcel: 7 }]);
  t.is(tickets.length, 1);
});
