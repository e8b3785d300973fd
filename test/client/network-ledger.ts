/** A participant that keeps what it did in a database of its own. Nothing but its fence stands between it and a second payment. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import knex from 'knex';
import type { Scope } from '../chaos/program.js';

export interface Ledger {
  readonly url: string;
  /** Payments for an order that were taken, and those of them that were given back. */
  payments(order: string): Promise<{ readonly taken: number; readonly refunded: number }>;
  /** Called when a payment is taken and its answer is not sent yet. */
  beforeAnswer: (() => Promise<void>) | undefined;
}

interface Command {
  readonly xid: string;
  readonly branch: number;
  readonly op: string;
  readonly input: { readonly order: string };
}

export async function startLedger(scope: Scope, directory: string): Promise<Ledger> {
  const filename = path.join(directory, 'ledger.db');
  const db = knex({ client: 'sqlite3', connection: { filename }, useNullAsDefault: true, pool: { min: 1, max: 1 } });
  await db.raw(`create table payments (xid text, branch int, customer_order text, taken int, refunded int,
    primary key (xid, branch))`);
  const ledger: Ledger = {
    url: '',
    beforeAnswer: undefined,
    async payments(order) {
      const [row] = await db('payments')
        .where({ customer_order: order, taken: 1 })
        .select<{ taken: number; refunded: number }[]>(
          db.raw('count(*) as taken'),
          db.raw('coalesce(sum(refunded), 0) as refunded'),
        );
      return { taken: row?.taken ?? 0, refunded: row?.refunded ?? 0 };
    },
  };
  const server = createServer(async (request, response) => {
    const { xid, branch, op, input } = await read(request);
    const key = { xid, branch };
    const row = { ...key, customer_order: input.order };
    // The first that comes takes the row: an undo before its action leaves one that was never taken.
    const first = op === 'action' ? { ...row, taken: 1, refunded: 0 } : { ...row, taken: 0, refunded: 0 };
    await db('payments').insert(first).onConflict(['xid', 'branch']).ignore();
    if (op === 'compensate')
      await db('payments')
        .where({ ...key, taken: 1 })
        .update({ refunded: 1 });
    const stored = await db('payments').where(key).first<{ taken: number }>();
    if (op === 'action') await ledger.beforeAnswer?.();
    const isSuppressed = op === 'action' && stored.taken === 0;
    response.writeHead(isSuppressed ? 409 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isSuppressed ? { code: 'suppressed', detail: 'undone already' } : { ok: true }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.teardown(async () => {
    server.closeAllConnections();
    server.close();
    await db.destroy();
  });
  return Object.assign(ledger, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/charge` });
}

async function read(request: IncomingMessage): Promise<Command> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Command;
}
