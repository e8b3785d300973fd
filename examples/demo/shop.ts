import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Part, Processes, Program } from './processes.js';
import { accounts, closed, skus } from './seed.js';

/** The whole: a coordinator and three services, each a process with its own database file. */
export interface Shop {
  readonly coordinator: Part;
  readonly order: Part;
  readonly payment: Part;
  readonly stock: Part;
  readonly databases: Databases;
}

export interface Databases {
  readonly coordinator: string;
  readonly order: string;
  readonly payment: string;
  readonly stock: string;
}

/** Where the compiled program of a room is. */
export const compiled = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

/** A restarted coordinator waits this long before it takes over what its predecessor left; the default is longer. */
const leaseMs = 2000;

/** Starts all four, for about this many orders. */
export async function openShop(processes: Processes, directory: string, orders: number): Promise<Shop> {
  const fileOf = (name: string): string => path.join(directory, name);
  const databases = {
    coordinator: fileOf('coordinator.db'),
    order: fileOf('order.db'),
    payment: fileOf('payment.db'),
    stock: fileOf('stock.db'),
  };
  // Drawn for this run: commands are signed, and the services take no others.
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const env = { CONCORDAT_SIGNING_SECRET: secret };
  const coordinator = await processes.start({
    name: 'coordinator',
    main: compiled('coordinator/cli.js'),
    args: (listen) => ['serve', '--store', `sqlite:${databases.coordinator}`, '--queue', 'memory', '--listen', listen],
    port: 8090,
    env: { ...env, CONCORDAT_LEASE_MS: String(leaseMs) },
  });
  // Each tells the coordinator that it is there, and what it can do.
  const service = (name: 'order' | 'payment' | 'stock', port: number, ...flags: readonly string[]): Program => ({
    name,
    main: compiled(`participants/${name}/main.js`),
    args: (listen) => ['--listen', listen, '--db', databases[name], '--coordinator', coordinator.url, ...flags],
    port,
    env,
  });
  const [order, payment, stock] = await Promise.all([
    processes.start(service('order', 8091)),
    processes.start(service('payment', 8092, '--accounts', accounts(orders), '--closed', closed)),
    processes.start(service('stock', 8093, '--skus', skus(orders))),
  ]);
  return { coordinator, order, payment, stock, databases };
}
