#!/usr/bin/env node
/** Two services that speak the wire by themselves, a coordinator, and a customer with nothing but `fetch`. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDatabase } from './database.js';
import { start, stopAll } from './processes.js';

const say = (text = ''): void => console.log(text);

const directory = await mkdtemp(path.join(tmpdir(), 'concordat-plain-'));
const databases = { payment: path.join(directory, 'payment.db'), stock: path.join(directory, 'stock.db') };

try {
  // The coordinator signs its commands with this secret, and the services take no others.
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const store = ['--store', `sqlite:${path.join(directory, 'coordinator.db')}`, '--listen', '127.0.0.1:0'];
  const [coordinator, payment, stock] = await Promise.all([
    start('../../coordinator/cli.js', ['serve', ...store], { CONCORDAT_SIGNING_SECRET: secret }),
    start('start.js', ['payment', databases.payment], { SIGNING_SECRET: secret }),
    start('start.js', ['stock', databases.stock], { SIGNING_SECRET: secret }),
  ]);

  /** Holds the goods first, then takes the money. Commands go to `{url}/{op}`. */
  const order = async (xid: string, customer: string, sku: string, quantity: number): Promise<void> => {
    const answer = await fetch(`${coordinator}/v1/transactions`, {
      method: 'POST',
      // Wait for the end, at most so many seconds.
      headers: { 'content-type': 'application/json', prefer: 'wait=30' },
      body: JSON.stringify({
        xid,
        name: 'order',
        steps: [
          { id: 'stock', kind: 'tcc', url: `${stock}/reserve`, input: { sku, quantity } },
          { id: 'payment', kind: 'saga', url: `${payment}/charge`, input: { customer, amountCents: quantity * 450 } },
        ],
      }),
    });
    const transaction = (await answer.json()) as { status: string; reason: string | null };
    say(`\n${xid}: ${customer} wants ${quantity} ${sku}`);
    say(`  ${transaction.status}${transaction.reason ? `: ${transaction.reason}` : ''}`);
    for (const [name, file] of Object.entries(databases)) say(`  ${name}: ${(await effects(file, xid)) || 'nothing'}`);
  };

  say('A coordinator and two services without the SDK, each a process with its own database.');
  await order('order-1', 'ann', 'tea', 2);
  say('\nThe same request again, as if its answer had been lost: the same transaction, and nothing happens twice.');
  await order('order-1', 'ann', 'tea', 2);
  say('\nA payment that is refused: the goods that were held are freed.');
  await order('order-2', 'bob', 'tea', 1);
  say('\nGoods that are not there: the payment is never asked.');
  await order('order-3', 'ann', 'kettle', 1);

  say('\nThe books:');
  for (const row of await rows(databases.payment, 'select * from accounts')) say(`  ${JSON.stringify(row)}`);
  for (const row of await rows(databases.stock, 'select * from skus')) say(`  ${JSON.stringify(row)}`);
} finally {
  await stopAll();
  await rm(directory, { recursive: true, force: true });
}

/** What happened to a transaction in one service, in order. */
async function effects(file: string, xid: string): Promise<string> {
  const found = await rows(file, 'select effect from effects where xid = ? order by id', [xid]);
  return found.map(({ effect }) => String(effect)).join(', then ');
}

async function rows(file: string, sql: string, values: readonly string[] = []): Promise<Record<string, unknown>[]> {
  const db = openDatabase(file);
  try {
    return (await db.raw(sql, [...values])) as Record<string, unknown>[];
  } finally {
    await db.destroy();
  }
}
