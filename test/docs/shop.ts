/** The services that the examples of the HTTP page talk of: little ones, on free ports. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { bodyOf } from '../dispatch/participants.js';

/** What a service says to an op; done with an output of its own otherwise. */
export type Mood = (path: string) => { readonly status: number; readonly body?: object } | undefined;

export interface Shop {
  /** In the order of their ports in the page: 9001, 9002, 9003. */
  readonly urls: readonly string[];
  /** What was done, as `stock/try`. */
  readonly effects: string[];
  /** Tokens of commands by `stock/try`. */
  readonly tokens: Map<string, string>;
  mood: Mood;
}

const outputs: Readonly<Record<string, object>> = {
  '/order/action': { orderId: 7 },
  '/stock/try': { reservation: 7 },
  '/payment/action': { receipt: 'r-1' },
};

export async function startShop(t: ExecutionContext): Promise<Shop> {
  const shop: Shop = { urls: [], effects: [], tokens: new Map(), mood: () => undefined };
  const start = async (): Promise<string> => {
    const server = createServer(async (request, response) => {
      await bodyOf(request);
      const path = request.url ?? '';
      const op = path.slice(1);
      shop.tokens.set(op, String(request.headers['concordat-token']));
      const { status, body = outputs[path] ?? {} } = shop.mood(path) ?? { status: 200 };
      if (status === 200) shop.effects.push(op);
      const type = status === 409 ? 'application/problem+json' : 'application/json';
      response.writeHead(status, { 'content-type': type, ...(status === 202 && { 'retry-after': '60' }) });
      response.end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  return Object.assign(shop, { urls: [await start(), await start(), await start()] });
}
