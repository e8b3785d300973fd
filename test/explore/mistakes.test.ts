/** Each typical mistake is found, and the story says what it is. */
import test from 'ava';
import type { Knex } from 'knex';
import { type Handler, saga } from '../../sdk/index.js';
import { examine, type Failure } from '../../sdk/testing.js';
import { booksBalance, buy, memory, type Order, openShop, order, type Parts, payment, type Shop } from './shop.js';

const failuresWith = async (parts: Parts): Promise<readonly Failure[]> =>
  (await examine(buy, { participants: () => openShop(parts), invariant: booksBalance })).failures;

/** The story of the one failure of that kind. */
function storyOf(failures: readonly Failure[], kind: Failure['kind'], where?: string): string {
  const [found, more] = failures.filter((failure) => failure.kind === kind && failure.where === where);
  if (!found || more) throw new Error(`expected one ${kind} of ${where}, got ${JSON.stringify(failures)}`);
  return found.story;
}

const action: NonNullable<Handler['forward']> = payment.forward ?? (async () => undefined);
const act = action as (input: Order, tx: object) => Promise<void>;

test('an undo that does nothing', async (t) => {
  const failures = await failuresWith({ payment: saga({ action: act, compensate: async () => undefined }) });
  t.deepEqual(
    failures.map(({ kind }) => kind),
    ['undo missing'],
  );
  t.regex(
    storyOf(failures, 'undo missing', 'the undo of payment/charge'),
    /payment to undo charge[\s\S]*The transaction is rolled back\.\n.*takes back nothing of what was written to payment\.accounts/,
  );
});

test('an undo that gives back another amount', async (t) => {
  const failures = await failuresWith({
    payment: saga({
      action: act,
      async compensate({ cents }: Order, tx) {
        await tx
          .db('accounts')
          .where({ owner: 'ann' })
          .increment('cents', cents - 100);
      },
    }),
  });
  t.deepEqual(
    failures.map(({ kind }) => kind),
    ['undo incomplete'],
  );
  t.regex(
    storyOf(failures, 'undo incomplete', 'the undo of payment/charge'),
    /accounts\.cents by \+800 where it was moved by -900/,
  );
});

/** A service that has no fence and sees to repeats itself, or forgets to. */
function unfenced(work: {
  charge(db: Knex, input: Order, key: string): Promise<void>;
  refund(db: Knex, input: Order, key: string): Promise<void>;
}): () => Promise<Shop> {
  return async () => {
    const ledger = await memory('create table ledger (key text, cents integer)');
    const charge = saga({
      fence: 'none',
      action: (input: Order, tx) => work.charge(ledger, input, `${tx.xid}-${tx.branch}`),
      compensate: (input: Order, tx) => work.refund(ledger, input, `${tx.xid}-${tx.branch}`),
    });
    const shop = await openShop({ payment: charge });
    return { ...shop, databases: { ledger }, close: () => Promise.all([shop.close?.(), ledger.destroy()]) };
  };
}

const chargeOnce = async (db: Knex, { cents }: Order, key: string): Promise<void> => {
  if (!(await db('ledger').where({ key }).first())) await db('ledger').insert({ key, cents });
};

test('C1 an undo without a fence that takes effect twice', async (t) => {
  const participants = unfenced({
    charge: chargeOnce,
    refund: async (db, { cents }, key) => void (await db('ledger').insert({ key, cents: -cents })),
  });
  const { failures } = await examine(buy, { participants });
  t.regex(
    storyOf(failures, 'not idempotent', 'the undo of payment/charge'),
    /it took effect twice: ledger\.ledger should have/,
  );
});

test('D1 an undo without a fence that fails when there is nothing to undo', async (t) => {
  const participants = unfenced({
    charge: chargeOnce,
    async refund(db, _, key) {
      const found = await db('ledger').where({ key }).where('cents', '>', 0).first();
      if (!found && !(await db('ledger').where({ key }).first())) throw new Error('there is no such charge');
      await db('ledger').where({ key }).update({ cents: 0 });
    },
  });
  const { failures } = await examine(buy, { participants });
  t.regex(
    storyOf(failures, 'fails when empty', 'the undo of payment/charge'),
    /although charge had no effect, and failed: there is no such charge/,
  );
});

test('D2 a forward op without a fence that takes effect after its undo', async (t) => {
  const participants = unfenced({
    charge: chargeOnce,
    refund: async (db, _, key) => void (await db('ledger').where({ key }).delete()),
  });
  const { failures } = await examine(buy, { participants });
  t.deepEqual(
    failures.map(({ kind }) => kind),
    ['late effect'],
  );
  t.regex(
    storyOf(failures, 'late effect', 'payment/charge'),
    /reaches payment only now\.[\s\S]*took effect after its undo/,
  );
});

test('a handler that waits for its own database, as it does not use tx.db', async (t) => {
  let dbs: Shop['dbs'] | undefined;
  const careless = saga({
    async action({ cents }: Order) {
      await dbs?.payment('accounts').decrement('cents', cents);
    },
    compensate: async () => undefined,
  });
  const participants = async (): Promise<Shop> => {
    const shop = await openShop({ payment: careless });
    dbs = shop.dbs;
    return shop;
  };
  const { failures, cases } = await examine(buy, { participants, stuckMs: 1000 });
  t.is(cases, 1);
  t.regex(
    storyOf(failures, 'fails without trouble', 'payment/charge'),
    /payment does not come back from charge[\s\S]*other than through tx\.db/,
  );
});

test('B2 a handler that writes to another database than its own', async (t) => {
  const failures = await (async () => {
    const participants = async (): Promise<Shop> => {
      const points = await memory('create table points (owner text, points integer)');
      const shop = await openShop({
        payment: saga({
          async action(input: Order, tx) {
            await act(input, tx);
            await points('points').insert({ owner: 'ann', points: 9 });
          },
          async compensate(input: Order, tx) {
            await tx.db('accounts').where({ owner: 'ann' }).increment('cents', input.cents);
            await points('points').delete();
          },
        }),
      });
      return { ...shop, databases: { points }, close: () => Promise.all([shop.close?.(), points.destroy()]) };
    };
    return (await examine(buy, { participants, invariant: booksBalance })).failures;
  })();
  t.regex(storyOf(failures, 'outside the transaction', 'payment/charge'), /points/);
});

test('a query that is never awaited', async (t) => {
  const failures = await failuresWith({
    order: saga({
      action: async ({ sku }: Order, tx): Promise<void> => void tx.db('orders').insert({ sku, status: 'placed' }),
      compensate: async (_, tx) => void (await tx.db('orders').delete()),
    }),
  });
  t.regex(storyOf(failures, 'not awaited', 'order/create'), /never ran: insert into `orders`/);
});

test('what is wrong with no undo is found by the invariant', async (t) => {
  const failures = await failuresWith({
    order: saga({
      ...{ action: order.forward as (input: Order, tx: object) => Promise<number> },
      // It is restored, but as an order that is placed.
      compensate: async (_, tx) => void (await tx.db('orders').where('id', tx.output).update({ sku: 'none' })),
    }),
  });
  t.true(failures.length > 0);
  t.regex(failures[0]?.story ?? '', /1 orders are placed, 0 taken and 0 paid/);
});
