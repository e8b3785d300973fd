import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type Express, type Response } from 'express';
import type { Knex } from 'knex';
import { openDatabase } from '../database.js';
import { cancel, charge, prepareBooks } from './books.js';

/** How good the provider is. */
export interface Manners {
  /** Every answer takes so long. */
  readonly slowMs: number;
  /** Every so many answers, one is lost after the money moved; 0 for none. */
  readonly loseEvery: number;
  /** A charge goes through only so long after it was asked for. */
  readonly settleMs: number;
}

export interface ProviderOptions extends Partial<Manners> {
  readonly listen: string;
  /** Path of the SQLite file. */
  readonly db: string;
  /** Opening balance in cents by customer, for accounts that are not there yet. */
  readonly accounts?: ReadonlyMap<string, number>;
}

/** A payment provider as there are many: it charges in its own books, once for each `Idempotency-Key`. */
export async function startProvider(options: ProviderOptions) {
  const { slowMs = 0, loseEvery = 0, settleMs = 0, accounts = new Map() } = options;
  const db = openDatabase(options.db);
  await prepareBooks(db, accounts);
  const server = createServer(routes(db, { slowMs, loseEvery, settleMs }));
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(options.listen) ?? [];
  server.listen(Number(port), host);
  await once(server, 'listening');
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    async stop(): Promise<void> {
      server.close();
      server.closeAllConnections();
      await db.destroy();
    },
  };
}

function routes(db: Knex, { slowMs, loseEvery, settleMs }: Manners): Express {
  const app = express().disable('x-powered-by');
  let answers = 0;
  const send = async (response: Response, status: number, body: object): Promise<void> => {
    if (slowMs > 0) await sleep(slowMs);
    if (loseEvery > 0 && ++answers % loseEvery === 0) response.destroy();
    else response.status(status).json(body);
  };
  app.use(express.json());
  app.post('/charges', async (request, response) => {
    const said = await charge(db, keyOf(request.headers), request.body, settleMs);
    const status = { charged: 201, processing: 202, declined: 402 }[said.kind];
    await send(response, status, said);
  });
  app.post('/cancellations', async (request, response) => {
    await send(response, 200, { status: await cancel(db, keyOf(request.headers), request.body?.metadata) });
  });
  return app;
}

function keyOf(headers: Readonly<Record<string, string | string[] | undefined>>): string {
  const key = headers['idempotency-key'];
  if (typeof key !== 'string' || key === '') throw new Error('expected an Idempotency-Key');
  return key;
}
