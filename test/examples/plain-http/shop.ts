import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { request } from 'undici';
import type { Json } from '../../../examples/08-plain-http/answers.js';
import { openDatabase } from '../../../examples/08-plain-http/database.js';
import { payment } from '../../../examples/08-plain-http/payment.js';
import { type ServiceOptions, startService as start } from '../../../examples/08-plain-http/service.js';
import { stock } from '../../../examples/08-plain-http/stock.js';

const services = { payment, stock };
export type Name = keyof typeof services;

/** A service in this process, with a database file of its own. */
export async function startService(t: ExecutionContext, name: Name, options: Partial<ServiceOptions> = {}) {
  const directory = await mkdtemp(path.join(tmpdir(), 'concordat-plain-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const db = path.join(directory, `${name}.db`);
  const service = await start(services[name], { db, ...options });
  t.teardown(() => service.stop());
  return { url: service.url, db };
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

/** Runs a statement on a service's database, beside the service. */
export async function rows<T = Record<string, Json>>(db: string, sql: string): Promise<T[]> {
  const beside = openDatabase(db);
  try {
    return (await beside.raw(sql)) as T[];
  } finally {
    await beside.destroy();
  }
}

/** The ledger in its order, as `effect xid branch`. */
export const ledger = async (db: string): Promise<string[]> =>
  (
    await rows<{ text: string }>(db, `select effect || ' ' || xid || ' ' || branch as text from effects order by id`)
  ).map(({ text }) => text);
