#!/usr/bin/env node
import type { Client } from 'concordat';
import { examine } from 'concordat/testing';
import createKnex, { type Knex } from 'knex';
import { services, type Trip, tables } from './service.js';

async function open(statement: string): Promise<Knex> {
  const db = createKnex({ client: 'sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true });
  await db.raw(statement);
  return db;
}

/** The services of one case, each on a new database. */
async function made(mended: boolean) {
  const [bank, hotel, club] = [await open(tables.bank), await open(tables.hotel), await open(tables.club)];
  await bank('accounts').insert({ owner: 'ann', cents: 90_000 });
  return {
    bank,
    databases: { hotel },
    participants: services({ bank, hotel, club }, mended),
    close: () => Promise.all([bank.destroy(), hotel.destroy(), club.destroy()]),
  };
}

/** The saga, as the application has it. */
const travel = (client: Client): Promise<unknown> =>
  client.run('travel', async () => {
    const trip: Trip = { customer: 'ann', cents: 40_000 };
    await client.call({ participant: 'bank', handler: 'charge' }, trip);
    await client.call({ participant: 'hotel', handler: 'book' }, trip);
    await client.call({ participant: 'club', handler: 'reward' }, trip);
  });

for (const mended of [false, true]) {
  const report = await examine(travel, {
    participants: () => made(mended),
    // Holds at the end of every case, whatever went wrong.
    async invariant({ bank }, { committed }) {
      const [ann] = await bank('accounts');
      const expected = committed ? 49_500 : 90_000;
      return ann.cents === expected ? undefined : `ann has ${ann.cents} cents instead of ${expected}`;
    },
  });
  console.log(mended ? '\nThe same, mended:' : 'Three mistakes:');
  for (const { kind, where, story } of report.failures) console.log(`\n${kind}: ${where}\n${story}`);
  if (report.failures.length === 0) console.log('nothing is wrong');
}
