import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { isFinal, type TransactionView } from '../../sdk/protocol/views.js';
import type { Wish } from './seed.js';
import type { Shop } from './shop.js';

/** How an order ended, as the coordinator told its customer. */
export interface Ended {
  readonly transaction: TransactionView;
  /** How often the customer had to ask again because nobody answered. */
  readonly retries: number;
}

/**
 * The plan of one order: place it, then take the money and hold the goods at the same time, then confirm it. Steps name a
 * participant and one of its handlers; where its instances are, and of which kind the handler is, the registry knows.
 */
export const planOf = ({ xid, customer, lines }: Wish) => {
  const orderId = { $from: 'order.orderId' };
  return {
    xid,
    name: 'order',
    businessKey: customer,
    steps: [
      { id: 'order', participant: 'order', handler: 'place', input: { customer, lines } },
      {
        id: 'payment',
        participant: 'payment',
        handler: 'charge',
        after: ['order'],
        input: { orderId, customer, amountCents: { $from: 'order.totalCents' } },
      },
      { id: 'stock', participant: 'stock', handler: 'reserve', after: ['order'], input: { orderId, lines } },
      { id: 'complete', participant: 'order', handler: 'complete', after: ['payment', 'stock'], input: { orderId } },
    ],
  };
};

const waitSeconds = 5;
const askAgainMs = 200;

/**
 * Places an order and waits for its end. Whatever goes wrong on the way, the same request is sent again: its xid is the
 * idempotency key, so there is one transaction however often it is sent.
 */
export async function placeOrder(wish: Wish, shop: Shop, signal: AbortSignal): Promise<Ended> {
  const body = JSON.stringify(planOf(wish));
  for (let retries = 0; ; ) {
    const answer = await post(`${shop.coordinator.url}/v1/transactions`, body, signal);
    if (answer && isEnd(answer)) return { transaction: answer, retries };
    if (answer) continue;
    retries++;
    await sleep(askAgainMs, undefined, { signal });
  }
}

/** The transaction as it is now; undefined when nobody answered. Throws what asking again would not change. */
async function post(url: string, body: string, signal: AbortSignal): Promise<TransactionView | undefined> {
  try {
    const answer = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: `wait=${waitSeconds}` },
      body,
      signal,
    });
    const json = (await answer.body.json()) as TransactionView;
    if (answer.statusCode < 300) return json;
    if (answer.statusCode < 500 && answer.statusCode !== 429) throw new Refusal(`${url}: ${JSON.stringify(json)}`);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal || signal.aborted) throw error;
    return undefined;
  }
}

/** The coordinator does not take the order at all: the demo itself is wrong. */
class Refusal extends Error {}

const isEnd = ({ status }: TransactionView): boolean => isFinal(status) || status === 'parked';

/** A transaction as the coordinator has it; undefined when it knows none of that xid. */
export async function lookUp(coordinator: string, xid: string): Promise<TransactionView | undefined> {
  const answer = await request(`${coordinator}/v1/transactions/${xid}`);
  const json = (await answer.body.json()) as TransactionView;
  if (answer.statusCode === 404) return undefined;
  if (answer.statusCode !== 200)
    throw new Error(`${xid}: expected 200, got ${answer.statusCode} ${JSON.stringify(json)}`);
  return json;
}
