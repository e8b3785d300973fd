import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { request } from 'undici';
import { openReadOnly } from '../../participants/database.js';
import { startOrder } from '../../participants/order/order.js';
import { startPayment } from '../../participants/payment/payment.js';
import type { Service, ServiceOptions } from '../../participants/service.js';
import { startStock } from '../../participants/stock/stock.js';
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

const starts: Readonly<Record<Name, (options: ServiceOptions) => Promise<Service>>> = {
  order: startOrder,
  payment: (options) => startPayment({ ...options, accounts: new Map(Object.entries(accounts)), closed: ['cleo'] }),
  stock: (options) => startStock({ ...options, skus: new Map(Object.entries(skus)) }),
};

/** A service in this process, with the database file `db`. */
export async function startService(t: ExecutionContext, name: Name, options: Partial<ServiceOptions> = {}) {
  const db = options.db ?? path.join(await temporary(t), `${name}.db`);
  const service = await starts[name]({ listen: '127.0.0.1:0', ...options, db });
  t.teardown(() => service.stop());
  return { url: service.url, db };
}

const flags: Readonly<Record<Name, readonly string[]>> = {
  order: [],
  payment: ['--accounts', 'ann=10000,bob=100,cleo=5000', '--closed', 'cleo'],
  stock: ['--skus', 'tea=10,cup=3,kettle=0'],
};

/** A service as a process of its own; `died` is the signal or status that it ended with. */
export async function startProcess(t: ExecutionContext, name: Name, db: string, env: Record<string, string> = {}) {
  const main = new URL(`../../participants/${name}/main.js`, import.meta.url).pathname;
  const args = [main, '--listen', '127.0.0.1:0', '--db', db, ...flags[name]];
  const child: ChildProcess = spawn(process.execPath, args, {
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
  JSON.stringify({ xid, branch, id: 'step', kind: 'saga', op, input, ...(forward && { forward }) });

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
  const body = (await answer.body.json()) as Record<string, Json>;
  return { status: answer.statusCode, code: body.code, body, headers: answer.headers };
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
