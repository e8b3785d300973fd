#!/usr/bin/env node
import { participant, Refused, saga } from 'concordat';
import { embed } from 'concordat/coordinator';
import knex from 'knex';

// Two services, each with a database of its own.
const memory = () => knex({ client: 'sqlite3', connection: ':memory:', useNullAsDefault: true });
const [shop, bank] = [memory(), memory()];
await shop.raw('create table orders (id integer primary key, customer text)');
await bank.raw("create table accounts as select 'ann' owner, 1000 cents union select 'bob', 50");

interface Purchase {
  readonly customer: string;
  readonly cents: number;
}

// What each can do, and how that is undone.
const order = saga({
  async action({ customer }: Purchase, { db }): Promise<number> {
    const [id = 0] = await db('orders').insert({ customer });
    return id;
  },
  async compensate(_, { db, output }) {
    await db('orders').where('id', output).delete();
  },
});
const charge = saga({
  async action({ customer, cents }: Purchase, { db }) {
    const paid = await db('accounts').where('owner', customer).where('cents', '>=', cents).decrement({ cents });
    if (paid === 0) throw new Refused(`${customer} does not have ${cents} cents`);
  },
  async compensate({ customer, cents }, { db }) {
    await db('accounts').where('owner', customer).increment({ cents });
  },
});

// A coordinator in this process: no server, no port.
const client = await embed({
  store: 'sqlite:concordat.db',
  participants: [
    participant({ name: 'shop', db: shop, handlers: { order } }),
    participant({ name: 'bank', db: bank, handlers: { charge } }),
  ],
});
const remoteShop = client.remote<{ order(purchase: Purchase): Promise<number> }>('shop');
const remoteBank = client.remote<{ charge(purchase: Purchase): Promise<void> }>('bank');

// Both, or none.
for (const customer of ['ann', 'bob']) {
  const buying = client.run({ name: 'buy', wait: 'final' }, async () => {
    await remoteShop.order({ customer, cents: 900 });
    await remoteBank.charge({ customer, cents: 900 });
  });
  await buying.catch((error: Error) => console.log(error.message));
}
console.log(await shop('orders'), await bank('accounts'));

await client.close();
await Promise.all([shop.destroy(), bank.destroy()]);
