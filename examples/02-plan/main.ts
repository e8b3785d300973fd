#!/usr/bin/env node
import { embed } from 'concordat/coordinator';
import createKnex, { type Knex } from 'knex';
import { bookings, payments } from './services.js';
import { trip } from './trip.js';

/** A database in memory, one for each service. */
async function database(...statements: readonly string[]): Promise<Knex> {
  const db = createKnex({ client: 'sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true });
  for (const statement of statements) await db.raw(statement);
  return db;
}

const offers = 'create table offers (place text primary key, price_cents integer, free integer)';
const booked = 'create table bookings (id integer primary key, customer text, place text)';
const airline = await database(offers, booked, `insert into offers values ('Oslo', 19900, 5), ('Rome', 24900, 5)`);
const hotel = await database(offers, booked, `insert into offers values ('Oslo', 8900, 5), ('Rome', 7900, 0)`);
const payment = await database('create table payments (customer text, paid_cents integer)');

// The coordinator and the services in this process, and no port. With `serve` they could be anywhere; the plan is the same.
const client = await embed({
  store: 'sqlite::memory:',
  participants: [bookings('airline', airline), bookings('hotel', hotel), payments(payment)],
});

console.log('The plan, as it is sent:');
console.log(JSON.stringify(trip({ customer: 'ann', place: 'Oslo' }).steps, undefined, 2));

for (const wish of [
  { customer: 'ann', place: 'Oslo' },
  { customer: 'bob', place: 'Rome' },
]) {
  const ended = await client.submit(trip(wish), { waitSeconds: 30 });
  console.log(`\n${wish.customer} wants to go to ${wish.place}: ${ended.status}`);
  // What the steps answered, by their ids and with their types.
  if (ended.status === 'committed') console.log(`  paid ${ended.result.payment.paidCents} cents`);
  else console.log(`  ${ended.reason}`);
  for (const { id, status } of ended.branches) console.log(`  ${id.padEnd(8)} ${status}`);
}

console.log('\nThe books:');
for (const [name, db, table] of [
  ['airline', airline, 'offers'],
  ['hotel', hotel, 'offers'],
  ['payment', payment, 'payments'],
] as const) {
  for (const row of await db(table)) console.log(`  ${name.padEnd(8)} ${JSON.stringify(row)}`);
}

await client.close();
for (const db of [airline, hotel, payment]) await db.destroy();
