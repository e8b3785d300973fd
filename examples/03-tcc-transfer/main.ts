#!/usr/bin/env node
import { Refused } from 'concordat';
import { embed } from 'concordat/coordinator';
import createKnex, { type Knex } from 'knex';
import { type Bank, bank, tables } from './bank.js';

async function openBank(...accounts: readonly object[]): Promise<Knex> {
  const db = createKnex({ client: 'sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true });
  for (const statement of tables) await db.raw(statement);
  await db('accounts').insert(accounts);
  return db;
}

const northDb = await openBank({ account: 'ann', cents: 5000, open: 1 });
const southDb = await openBank({ account: 'bob', cents: 1000, open: 1 }, { account: 'cleo', cents: 0, open: 0 });
const client = await embed({
  store: 'sqlite::memory:',
  participants: [bank('north', northDb), bank('south', southDb)],
});
const north = client.remote<Bank>('north');
const south = client.remote<Bank>('south');

async function books(when: string): Promise<void> {
  console.log(`  ${when}`);
  for (const [name, db] of [
    ['north', northDb],
    ['south', southDb],
  ] as const) {
    for (const { account, cents, held } of await db('accounts'))
      console.log(
        `    ${name} ${account.padEnd(4)} ${String(cents).padStart(5)} cents${held ? `, and ${held} held` : ''}`,
      );
  }
}

/**
 * From ann in the north to somebody in the south: both banks move the money, or neither does. `wait: 'final'`: when it
 * returns, both have carried out the decision.
 */
async function transfer(to: string, cents: number): Promise<void> {
  console.log(`\nann sends ${cents} cents to ${to}`);
  try {
    await client.run({ name: 'transfer', wait: 'final' }, async () => {
      await north.withdraw({ account: 'ann', cents });
      await books('before the decision');
      await south.deposit({ account: to, cents });
    });
    console.log('  committed');
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log(`  rolled back: ${error.message}`);
  }
  await books('after it');
}

await transfer('bob', 2000);
await transfer('bob', 9000);
await transfer('cleo', 500);

await client.close();
await northDb.destroy();
await southDb.destroy();
