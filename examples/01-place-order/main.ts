#!/usr/bin/env node
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, Refused, serve } from 'concordat';
import { Checkout } from './checkout.js';
import { startCoordinator } from './coordinator.js';
import { createDatabase } from './database.js';
import { OrderService } from './order.js';
import { PaymentService } from './payment.js';
import { StockService } from './stock.js';

const directory = await mkdtemp(path.join(tmpdir(), 'concordat-orders-'));
const coordinator = await startCoordinator(directory);
const order = new OrderService(await createDatabase(directory, 'order', OrderService.tables));
const stock = new StockService(await createDatabase(directory, 'stock', StockService.tables));
const payment = new PaymentService(await createDatabase(directory, 'payment', PaymentService.tables));

// Each service would be a process of its own, on a machine of its own. Here they are three hosts with a port each; they
// register with the coordinator, so nobody needs to know where they are.
const hosts = await Promise.all(
  [order, stock, payment].map((service) =>
    serve({ participants: [service], coordinator: coordinator.url, listen: '127.0.0.1:0' }),
  ),
);

const client = connect({ url: coordinator.url });
const checkout = new Checkout(
  client.remote<OrderService>('order'),
  client.remote<StockService>('stock'),
  client.remote<PaymentService>('payment'),
);

async function place(customer: string, sku: string, quantity: number): Promise<void> {
  console.log(`\n${customer} orders ${quantity} ${sku}`);
  try {
    const orderId = await checkout.place({ customer, sku, quantity, totalCents: quantity * 450 });
    console.log(`  placed: order ${orderId}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log(`  refused (${error.code}): ${error.message}`);
  }
}

await place('ann', 'tea', 2);
await place('bob', 'tea', 1);
await place('ann', 'kettle', 1);

console.log('\nThe books:');
for (const row of await order.db('orders')) console.log(`  order   ${JSON.stringify(row)}`);
for (const row of await stock.db('skus')) console.log(`  stock   ${JSON.stringify(row)}`);
for (const row of await payment.db('accounts')) console.log(`  payment ${JSON.stringify(row)}`);

await client.close();
for (const host of hosts) await host.close();
await coordinator.stop();
for (const { db } of [order, stock, payment]) await db.destroy();
await rm(directory, { recursive: true, force: true });
