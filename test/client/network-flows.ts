/** Every way to make one payment through a coordinator. */
import { clientOver } from '../../sdk/client/client.js';
import { exchangeWith } from '../../sdk/client/exchange.js';
import { type Client, GlobalTransaction, on, plan, Uncertain } from '../../sdk/index.js';
import type { Scope } from '../chaos/program.js';

interface Charging {
  charge(input: { readonly order: string }): Promise<{ readonly ok: boolean }>;
}

export interface Payment {
  readonly client: Client;
  /** Of the ledger. */
  readonly url: string;
  readonly order: string;
  /** Ends an absence of the coordinator, where there is one. */
  readonly back?: () => Promise<void>;
}

/** Makes the payment for an order; resolves when the caller may take it as made. */
export type Flow = (payment: Payment) => Promise<unknown>;

/** `timeoutMs` is short enough to be waited for, and longer than any restart. */
const deadline = { timeoutMs: 20_000 };

class Shop {
  readonly client: Client;
  constructor(client: Client) {
    this.client = client;
  }

  @GlobalTransaction({ name: 'checkout', ...deadline, via: (shop: Shop) => shop.client })
  async buy({ client, url, order, back }: Payment): Promise<unknown> {
    await client.call({ url: `${url}/first`, kind: 'saga' }, { order: `${order}-parcel` });
    return payOrElse({ client, url, order, ...(back && { back }) });
  }
}

/** Takes a call that failed for a no, and pays in another way. */
const payOrElse = ({ client, url, order, back }: Payment): Promise<unknown> =>
  client.call({ url, kind: 'saga' }, { order }).catch(async () => {
    await back?.();
    return client.call({ url, kind: 'saga' }, { order });
  });

export const flows: Readonly<Record<string, Flow>> = {
  async 'a plan'({ client, url, order }) {
    const { charge } = on<Charging>({ url: url.replace(/\/charge$/, ''), kind: 'saga' });
    const checkout = plan('checkout')
      .step('parcel', charge, { order: `${order}-parcel` })
      .step('payment', charge, { order })
      .with(deadline);
    const { xid } = await client.submit(checkout, { waitSeconds: 1 });
    const { status } = await client.wait(xid).catch((cause: unknown) => {
      throw new Uncertain('the plan was taken, and goes on', { xid, cause });
    });
    if (status !== 'committed') throw new Error(`expected it committed, got ${status}`);
  },

  async 'by hand'({ client, url, order }) {
    const { xid } = await client.open({ name: 'checkout', ...deadline });
    await client.addBranch(xid, { id: 'parcel', kind: 'saga', url, input: { order: `${order}-parcel` } });
    await client.addBranch(xid, { id: 'payment', kind: 'saga', url, input: { order } });
    const { decision } = await client.commit(xid);
    if (decision !== 'commit') throw new Error(`expected commit decided, got ${decision}`);
  },

  'client.run': (payment) =>
    payment.client.run({ name: 'checkout', ...deadline }, async () => {
      const { client, url, order } = payment;
      await client.call({ url, kind: 'saga' }, { order: `${order}-parcel` });
      return payOrElse(payment);
    }),

  'a call outside of a transaction': ({ client, url, order }) => client.call({ url, kind: 'saga' }, { order }),

  '@GlobalTransaction': (payment) => new Shop(payment.client).buy(payment),
};

/** A client that takes an answer for lost after a moment, and never has its coordinator wait long: tests need not either. */
export function hastyClient(scope: Scope, url: string, answerWithinMs: number, knownMs = 15_000): Client {
  const patience = { strangerMs: Math.min(1500, knownMs), knownMs };
  const exchange = exchangeWith(url, { answerWithinMs, patience });
  const client = clientOver({
    send: (request) => exchange.send({ ...request, ...(request.waitSeconds !== undefined && { waitSeconds: 1 }) }),
    close: () => exchange.close(),
  });
  scope.teardown(() => client.close());
  return client;
}
