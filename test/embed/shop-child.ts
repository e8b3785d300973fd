/**
 * An application with a coordinator inside, as a process to be killed: `shop-child.js DIRECTORY PART`. Stock and payment
 * have databases of their own, where each effect is a row beside the change. PART:
 * - `method`: a method that reserves, charges and returns · `plan`: the same as a plan
 * - `killed-between`, `killed-before-commit`: the method, killed after its first branch, or in the handler of the second
 * - `nothing`: only goes on with what is there, and writes how it ended to `ended.json`
 */
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { embed } from '../../coordinator/index.js';
import { participant, saga, tcc } from '../../sdk/index.js';

const [directory = '', part = 'nothing'] = process.argv.slice(2);

async function open(name: string): Promise<Knex> {
  const db = knexFactory({
    client: 'sqlite3',
    connection: { filename: path.join(directory, `${name}.db`) },
    useNullAsDefault: true,
  });
  await db.raw('create table if not exists effects (xid text, op text)');
  return db;
}

const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
};

interface Order {
  readonly sku: string;
}

const effect =
  (op: string, before = (): void => undefined) =>
  async (_input: Order, { xid, db }: { readonly xid: string; readonly db: Knex.Transaction }): Promise<void> => {
    await db('effects').insert({ xid, op });
    before();
  };

const stockDb = await open('stock');
const stock = participant({
  name: 'stock',
  db: stockDb,
  handlers: {
    reserve: tcc({ try: effect('reserved'), confirm: effect('taken'), cancel: effect('released') }),
  },
});

const paymentDb = await open('payment');
const payment = participant({
  name: 'payment',
  db: paymentDb,
  handlers: {
    charge: saga({
      action: effect('charged', () => part === 'killed-before-commit' && die()),
      compensate: effect('refunded'),
    }),
  },
});

const client = await embed({
  store: `sqlite:${path.join(directory, 'coordinator.db')}`,
  participants: [stock, payment],
  sweepMs: 50,
  leaseMs: 3000,
});

const order: Order = { sku: 'tea' };
console.log(JSON.stringify({ pid: process.pid }));

if (part === 'nothing') {
  const ended: Record<string, string> = {};
  for (const { xid } of (await client.list()).items) ended[xid] = (await client.wait(xid)).status;
  await client.close();
  await Promise.all([stockDb.destroy(), paymentDb.destroy()]);
  writeFileSync(path.join(directory, 'ended.tmp'), JSON.stringify(ended));
  renameSync(path.join(directory, 'ended.tmp'), path.join(directory, 'ended.json'));
} else if (part === 'plan') {
  await client.submit(
    {
      name: 'checkout',
      xid: 'x1',
      timeoutMs: 20_000,
      steps: [
        { id: 'reserve', participant: 'stock', handler: 'reserve', input: order },
        { id: 'charge', participant: 'payment', handler: 'charge', input: order },
      ],
    },
    { waitSeconds: 30 },
  );
} else {
  await client.run({ name: 'checkout', timeoutMs: 1500, wait: 'final' }, async () => {
    await client.call({ participant: 'stock', handler: 'reserve' }, order);
    if (part === 'killed-between') die();
    await client.call({ participant: 'payment', handler: 'charge' }, order);
  });
}
