/** Sagas that are right: nothing is reported, whatever they look like. */
import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { bank, tables } from '../../examples/03-tcc-transfer/bank.js';
import {
  type Branch,
  type Client,
  GlobalTransaction,
  on,
  Participant,
  participant,
  plan,
  type Remote,
  Saga,
  type Settle,
  saga,
  tcc,
} from '../../sdk/index.js';
import { examine, explore, type Report, snapshot } from '../../sdk/testing.js';
import { booksBalance, buy, memory, type Order, openShop, type Shop, stock } from './shop.js';

const isRight = (t: ExecutionContext, report: Report, atLeast: number): void => {
  t.log(`${report.cases} cases in ${report.durationMs} ms`);
  t.regex(String(report), /^\d+ cases(?: \(two troubles at once: \d+ of \d+\))?, nothing is wrong$/);
  t.true(report.cases >= atLeast, `${report.cases} cases`);
};

/** Made once, and put back for each case. */
async function shopWithReset(): Promise<Shop> {
  const shop = await openShop();
  const back = await Promise.all(Object.values(shop.dbs).map(snapshot));
  return { ...shop, reset: () => Promise.all(back.map((restore) => restore())) };
}

test.serial('a saga of three steps with SQLite handlers passes all cases within 10 s', async (t) => {
  const before = process.cpuUsage();
  const report = await explore(buy, { participants: shopWithReset, invariant: booksBalance });
  // Of the processor: what else the machine does is not counted.
  const { user, system } = process.cpuUsage(before);
  isRight(t, report, 200);
  t.is(report.pairs.run, 100);
  t.true(report.pairs.of > 300);
  t.log(`${Math.round((user + system) / 1000)} ms of the processor`);
  t.true(user + system < 10_000_000, `${user + system} us`);
});

test('services that are made anew for each case give the same cases', async (t) => {
  const fresh = await examine(buy, { participants: () => openShop(), invariant: booksBalance, casesMax: 30 });
  isRight(t, fresh, 30);
  t.is(fresh.cases, 30);
});

interface Creates {
  create(input: Order): Promise<number>;
}
interface Reserves {
  reserve(input: Order): Promise<void>;
}
interface Charges {
  charge(input: Order): Promise<void>;
}

test('a plan', async (t) => {
  const input: Order = { sku: 'tea', cents: 900 };
  const buying = (client: Client) =>
    client.submit(
      plan('buy')
        .step('order', on<Creates>('order').create, input)
        .step('stock', on<Reserves>('stock').reserve, input)
        .step('payment', on<Charges>('payment').charge, input),
    );
  isRight(t, await explore(buying, { participants: shopWithReset, invariant: booksBalance }), 80);
});

test('steps at the same time, and an order that is placed when both are through', async (t) => {
  const input: Order = { sku: 'tea', cents: 900 };
  const buying = (client: Client) =>
    client.submit(
      plan('buy')
        .step('stock', on<Reserves>('stock').reserve, input)
        .step('payment', on<Charges>('payment').charge, input, { after: [] })
        .step('order', on<Creates>('order').create, input, { after: ['stock', 'payment'] }),
    );
  isRight(t, await explore(buying, { participants: shopWithReset, invariant: booksBalance }), 150);
});

test('try, confirm and cancel; the money that is held counts in between', async (t) => {
  const banks = async () => {
    const north = await memory(...tables);
    const south = await memory(...tables);
    await north('accounts').insert({ account: 'ann', cents: 5000, open: 1 });
    await south('accounts').insert({ account: 'bob', cents: 1000, open: 1 });
    const back = [await snapshot(north), await snapshot(south)];
    return {
      north,
      south,
      participants: [bank('north', north), bank('south', south)],
      reset: () => Promise.all(back.map((restore) => restore())),
      close: () => Promise.all([north.destroy(), south.destroy()]),
    };
  };
  const transfer = (client: Client) =>
    client.run({ name: 'transfer', wait: 'final' }, async () => {
      await client.call({ participant: 'north', handler: 'withdraw' }, { account: 'ann', cents: 2000 });
      await client.call({ participant: 'south', handler: 'deposit' }, { account: 'bob', cents: 2000 });
    });
  const sums = async ({ north, south }: Awaited<ReturnType<typeof banks>>): Promise<number> => {
    const [ann] = await north('accounts');
    const [bob] = await south('accounts');
    return ann.cents + ann.held + bob.cents;
  };
  const report = await explore(transfer, {
    participants: banks,
    meanwhile: ({ south }) => south('accounts').increment('cents', 70),
    invariant: async (made, { committed }) => {
      const [bob] = await made.south('accounts');
      if ((await sums(made)) !== 6000) return 'the sum of both is not what it was';
      return bob.cents === (committed ? 3000 : 1000) ? undefined : `bob has ${bob.cents}`;
    },
  });
  isRight(t, report, 90);
});

@Participant('seats', { db: (self: Seats) => self.db })
class Seats {
  readonly db: Shop['dbs']['stock'];
  constructor(db: Shop['dbs']['stock']) {
    this.db = db;
  }

  /** Draws an id and notes the time: both are different in each run. */
  @Saga({ compensate: 'free' })
  async take(seat: string, tx: Branch): Promise<string> {
    const id = randomUUID();
    await tx.db('seats').insert({ id, seat, at: new Date().toISOString(), version: 1 });
    return id;
  }

  async free(_: string, tx: Settle<string>): Promise<void> {
    await tx.db('seats').where('id', tx.output).update({ seat: null, version: 2, at: new Date().toISOString() });
  }
}

class Booking {
  readonly seats: Remote<Seats>;
  constructor(seats: Remote<Seats>) {
    this.seats = seats;
  }

  @GlobalTransaction({ name: 'book' })
  async book(...wanted: readonly string[]): Promise<void> {
    for (const seat of wanted) await this.seats.take(seat);
  }
}

test('a method with @GlobalTransaction, random ids and times', async (t) => {
  const participants = async () => {
    const db = await memory('create table seats (id text primary key, seat text, at text, version integer)');
    return { db, participants: [new Seats(db)], close: () => db.destroy() };
  };
  const report = await explore((client) => new Booking(client.remote<Seats>('seats')).book('1A', '1B'), {
    participants,
  });
  isRight(t, report, 60);
});

test('handlers without a fence that see to repeats, late and empty commands themselves', async (t) => {
  const participants = async () => {
    const db = await memory('create table ledger (branch text primary key, cents integer)');
    const charge = saga({
      fence: 'none',
      action: async ({ cents }: Order, tx) =>
        void (await db('ledger')
          .insert({ branch: `${tx.xid} ${tx.branch}`, cents })
          .onConflict()
          .ignore()),
      // A row of nothing keeps out what comes late.
      compensate: async (_: Order, tx) =>
        void (await db('ledger')
          .insert({ branch: `${tx.xid} ${tx.branch}`, cents: 0 })
          .onConflict('branch')
          .merge()),
    });
    return {
      participants: [participant({ name: 'bank', handlers: { charge } })],
      databases: { bank: db },
      close: () => db.destroy(),
    };
  };
  const charging = (client: Client) =>
    client.run('charge', () => client.call({ participant: 'bank', handler: 'charge' }, { sku: 'tea', cents: 5 }));
  isRight(t, await explore(charging, { participants }), 40);
});

test('a refusal that the saga catches, to try another', async (t) => {
  const second = async (client: Client): Promise<unknown> =>
    client.run('buy', async () => {
      const input: Order = { sku: 'tea', cents: 900 };
      const call = (participant: string, handler: string) => client.call({ participant, handler }, input);
      await call('stock', 'reserve').catch(() => call('order', 'create'));
      await call('payment', 'charge');
    });
  isRight(t, await explore(second, { participants: shopWithReset }), 60);
});

test('the same saga gives the same stories', async (t) => {
  const wrong = () =>
    openShop({
      stock: tcc({ try: stock.forward as never, confirm: async () => undefined, cancel: async () => undefined }),
    });
  const once = async () => (await examine(buy, { participants: wrong, casesMax: 20 })).failures;
  const [one, other] = [await once(), await once()];
  t.true(one.length > 0);
  t.deepEqual(one, other);
});

test('options that are wrong are named', async (t) => {
  await t.throwsAsync(explore(buy, { participants: [] as never }), {
    instanceOf: TypeError,
    message: /participants: expected a function/,
  });
  await t.throwsAsync(explore(buy, { participants: openShop, invariants: 1 } as never), {
    message: /got the option 'invariants'/,
  });
  await t.throwsAsync(
    explore(async () => undefined, { participants: () => openShop() }),
    {
      name: 'UnsafeSaga',
      message: /the saga opened no transaction/,
    },
  );
});
