/** What the SDK does over HTTP it does inside one process too. */
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import knexFactory, { type Knex } from 'knex';
import {
  type Branch,
  currentTransaction,
  Participant,
  Pending,
  participant,
  Refused,
  RolledBack,
  Saga,
  type Settle,
  setRollbackOnly,
} from '../../sdk/index.js';
import { signal } from '../dispatch/participants.js';
import { echo, embedded, planOf, temporary } from './embedding.js';

interface Charge {
  readonly amount: number;
}

@Participant('payment', { db: (s: Payment) => s.db })
class Payment {
  readonly db: Knex;

  constructor(db: Knex) {
    this.db = db;
  }

  @Saga({ compensate: 'refund' })
  async charge({ amount }: Charge, tx: Branch): Promise<{ readonly charged: number }> {
    if (amount > 100) throw new Refused('too much', { code: 'limit' });
    await tx.db('effects').insert({ op: 'charged', amount });
    return { charged: amount };
  }

  async refund(_input: Charge, tx: Settle<{ readonly charged: number }>): Promise<void> {
    await tx.db('effects').insert({ op: 'refunded', amount: tx.output.charged });
  }
}

async function paymentOf(t: ExecutionContext): Promise<Payment> {
  const db = knexFactory({
    client: 'sqlite3',
    connection: { filename: path.join(await temporary(t), 'payment.db') },
    useNullAsDefault: true,
  });
  t.teardown(() => db.destroy());
  await db.raw('create table effects (op text, amount integer)');
  return new Payment(db);
}

const effectsOf = async ({ db }: Payment): Promise<readonly string[]> =>
  (await db('effects').orderBy('rowid')).map(({ op, amount }) => `${op} ${amount}`);

test('a decorated class behind its fence, called by its methods', async (t) => {
  const service = await paymentOf(t);
  const client = await embedded(t, { participants: [service] });
  const payment = client.remote<Payment>('payment');
  t.deepEqual(await payment.charge({ amount: 7 }), { charged: 7 });
  t.like(await t.throwsAsync(payment.charge({ amount: 700 }), { instanceOf: Refused }), { code: 'limit' });
  const failed = client.run('checkout', async () => {
    await payment.charge({ amount: 8 });
    throw new Error('out of tea');
  });
  await t.throwsAsync(failed, { message: 'out of tea' });
  const [newest] = (await client.list()).items;
  t.is((await client.wait(newest?.xid ?? '')).status, 'rolled_back');
  t.deepEqual(await effectsOf(service), ['charged 7', 'charged 8', 'refunded 8']);
});

test('a handler knows its transaction, and can turn its end into a rollback', async (t) => {
  const seen: unknown[] = [];
  const stock = echo('stock', async (_input, { xid }) => {
    seen.push(currentTransaction()?.xid === xid);
    await setRollbackOnly('none left');
  });
  const client = await embedded(t, { participants: [stock.participant] });
  const run = client.run('checkout', async () => client.call({ participant: 'stock', handler: 'run' }, 1));
  const error = await t.throwsAsync(run, { instanceOf: RolledBack });
  t.is(error?.reason, 'none left');
  t.deepEqual(seen, [true]);
});

test('a handler that is not ready is told of later, by its ticket', async (t) => {
  const ticket = signal<string>();
  const stock = echo('stock', (_input, tx) => {
    ticket.give(tx.ticket);
    throw new Pending({ retryAfterMs: 60_000 });
  });
  const client = await embedded(t, { participants: [stock.participant] });
  const { xid } = await client.submit(planOf('stock'));
  await client.report(await ticket.came, { outcome: 'done', output: { later: true } });
  t.like(await client.wait(xid), { status: 'committed', result: { stock: { later: true } } });
  t.is(stock.calls.length, 1);
  const forged = JSON.stringify({ ...JSON.parse(await ticket.came), token: 'made-up' });
  t.like(await t.throwsAsync(client.report(forged, { outcome: 'done' })), { code: 'token_invalid' });
});

test('the initiator is asked at the deadline how its own work ended', async (t) => {
  const asked: string[] = [];
  const shop = participant({
    name: 'shop',
    handlers: {},
    checks: {
      async paid({ xid }) {
        asked.push(xid);
        return 'commit';
      },
    },
  });
  const stock = echo('stock');
  const client = await embedded(t, { participants: [shop, stock.participant], sweepMs: 10 });
  const check = { participant: 'shop', handler: 'paid' };
  const { xid } = await client.open({ name: 'checkout', timeoutMs: 20, onTimeout: 'ask', check });
  t.is((await client.wait(xid)).status, 'committed');
  t.deepEqual(asked, [xid]);
  const wrong = client.open({ name: 'checkout', onTimeout: 'ask', check: { ...check, handler: 'packed' } });
  t.like(await t.throwsAsync(wrong), { code: 'invalid_request', details: [{ pointer: '/check/participant' }] });
});
