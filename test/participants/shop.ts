import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import type { Knex } from 'knex';
import { request } from 'undici';
import { openDatabase, openReadOnly } from '../../participants/database.js';
import { OrderService } from '../../participants/order/order.js';
import { prepareOrder } from '../../participants/order/tables.js';
import { PaymentService } from '../../participants/payment/payment.js';
import { type Provider, providerAt } from '../../participants/payment/provider.js';
import { preparePayment } from '../../participants/payment/tables.js';
import { type ProviderOptions, startProvider as start } from '../../participants/provider/provider.js';
import { StockService } from '../../participants/stock/stock.js';
import { prepareStock } from '../../participants/stock/tables.js';
import type { HostLog } from '../../sdk/participant/log.js';
import { serve } from '../../sdk/participant/serve.js';
import type { Json } from '../../sdk/protocol/json.js';

export type Name = 'order' | 'payment' | 'stock';

/** A directory that goes away with the test. */
export async function temporary(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'concordat-test-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const accounts = { ann: 10_000, bob: 100, cleo: 5000 };
const skus = { tea: 10, cup: 3, kettle: 0 };
const mapOf = (seed: Readonly<Record<string, number>>) => new Map(Object.entries(seed));

/** Makes the tables of a service in its database, and the service. */
export const opens: Readonly<Record<Name, (db: Knex, provider: Provider | undefined) => Promise<object>>> = {
  async order(db) {
    await prepareOrder(db);
    return new OrderService(db);
  },
  async payment(db, provider) {
    await preparePayment(db, { accounts: mapOf(accounts), closed: ['cleo'] });
    return new PaymentService(db, provider);
  },
  async stock(db) {
    await prepareStock(db, { skus: mapOf(skus) });
    return new StockService(db);
  },
};

export interface Started {
  readonly db?: string;
  readonly provider?: string;
  readonly log?: HostLog;
}

const silent: HostLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A service in this process, hosted by the SDK. `service` is the object itself: a test may stand a method of it in. */
export async function startService(t: ExecutionContext, name: Name, options: Started = {}) {
  const db = options.db ?? path.join(await temporary(t), `${name}.db`);
  const knex = openDatabase(db);
  const service = await opens[name](knex, options.provider === undefined ? undefined : providerAt(options.provider));
  const coordinator = await startRegistry(t);
  const { log = silent } = options;
  const host = await serve({ participants: [service], listen: '127.0.0.1:0', coordinator, log });
  t.teardown(async () => {
    await host.close();
    await knex.destroy();
  });
  return { url: host.url, db, service: service as Record<string, Handling> };
}

type Handling = (input: unknown, tx: unknown) => Promise<unknown>;

/** Stops a method of a service when it has done its work: its transaction is still open then. */
export function holdAfterWork(service: Record<string, Handling>, method: string) {
  const { arrived, release, wait } = gate();
  const work = service[method]!.bind(service);
  service[method] = async (input, tx) => {
    const output = await work(input, tx);
    await wait();
    return output;
  };
  return { arrived, release };
}

/** What a coordinator says to a host that registers; no transaction is open, and none ever comes from it. */
export async function startRegistry(t: Pick<ExecutionContext, 'teardown'>): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    incoming.resume();
    const [, , , participant = '', , id = ''] = (incoming.url ?? '').split('/');
    const expiresAt = new Date(Date.now() + 30_000).toISOString();
    const body = { participant, id, origin: 'origin-1', expiresAt, fenceFloor: new Date(0).toISOString() };
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A payment provider in this process, with books of its own. */
export async function startProvider(t: ExecutionContext, options: Partial<ProviderOptions> = {}) {
  const db = options.db ?? path.join(await temporary(t), 'provider.db');
  const provider = await start({ listen: '127.0.0.1:0', accounts: mapOf(accounts), ...options, db });
  t.teardown(() => provider.stop());
  return { url: provider.url, db };
}

const flags: Readonly<Record<Name, readonly string[]>> = {
  order: [],
  payment: ['--accounts', 'ann=10000,bob=100,cleo=5000', '--closed', 'cleo'],
  stock: ['--skus', 'tea=10,cup=3,kettle=0'],
};

export interface StartedProcess {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** A service as a process of its own; `died` is the signal or status that it ended with. */
export async function startProcess(t: ExecutionContext, name: Name, db: string, options: StartedProcess = {}) {
  const main = new URL(`../../participants/${name}/main.js`, import.meta.url).pathname;
  const { args = [], env = {} } = options;
  const usual = ['--listen', '127.0.0.1:0', '--db', db, '--coordinator', await startRegistry(t), ...flags[name]];
  const child: ChildProcess = spawn(process.execPath, ['--conditions=concordat-test', main, ...usual, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const died = once(child, 'exit').then(([code, signal]) => signal ?? code);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await died;
  });
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  const { listening } = JSON.parse(line) as { listening: string };
  return { url: listening, died, stop: () => child.kill('SIGTERM') };
}

export interface Send {
  readonly xid?: string;
  readonly branch?: number;
  readonly origin?: string;
  readonly input?: Json;
  readonly forward?: string;
  readonly headers?: Record<string, string>;
  /** Instead of the right body. */
  readonly raw?: string;
}

export const bodyOf = (op: string, { xid = 'x1', branch = 1, input = {}, forward }: Send): string =>
  JSON.stringify({ xid, branch, id: 'step', kind: kindOf(op), op, input, ...(forward && { forward }) });

const kindOf = (op: string): string => (op === 'action' || op === 'compensate' ? 'saga' : 'tcc');

/** Sends a command as the coordinator does, and reads its answer; `body` and `code` are of the JSON. */
export async function send(url: string, handler: string, op: string, options: Send = {}) {
  const { xid = 'x1', branch = 1, origin = 'origin-1' } = options;
  const answer = await request(`${url}/${handler}/${op}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'concordat-origin': origin,
      'concordat-xid': xid,
      'concordat-branch': String(branch),
      ...options.headers,
    },
    body: options.raw ?? bodyOf(op, options),
  });
  const text = await answer.body.text();
  const body = (text === '' ? null : JSON.parse(text)) as Record<string, Json> | null;
  return { status: answer.statusCode, code: body?.code, body, headers: answer.headers };
}

/** A moment that a test controls: `arrived` resolves when somebody waits there, `release` lets everybody go on. */
export function gate() {
  let release = (): void => undefined;
  let arrive = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const wait = (): Promise<void> => {
    arrive();
    return released;
  };
  return { arrived, release, wait };
}

/** Rows of a service's database, read beside it. */
export async function rows<T = Record<string, Json>>(db: string, sql: string): Promise<T[]> {
  const reader = openReadOnly(db);
  try {
    return (await reader.raw(sql)) as T[];
  } finally {
    await reader.destroy();
  }
}

/** The ledger in its order, as `effect xid branch`. */
export const ledger = async (db: string): Promise<string[]> =>
  (
    await rows<{ text: string }>(db, `select effect || ' ' || xid || ' ' || branch as text from effects order by id`)
  ).map(({ text }) => text);
