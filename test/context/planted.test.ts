/** Each protection of a transaction in code, taken out: the harm it keeps away is seen then, and not before. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import express from 'express';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { joinTransaction } from '../../sdk/express.js';
import { currentTransaction, RolledBack, TransactionEnded, transactionFetch } from '../../sdk/index.js';
import { plant } from '../participant/hosting.js';
import { startBank, type World } from './bank.js';

const charge = { account: 'ann', amount: 10 };

/** Whether the harm is done. */
type Harm = (t: ExecutionContext, world: World) => Promise<boolean>;

/** What a method came to, when it returned. */
const returned = (running: Promise<unknown>): Promise<boolean> =>
  running.then(
    () => true,
    (error: unknown) => {
      if (error instanceof RolledBack || error instanceof TransactionEnded) return false;
      throw error;
    },
  );

const harms: Partial<Record<PlantedBug, Harm>> = {
  /** A method returned as if all were well, and nothing of it is there. */
  async 'return-though-rolled-back'(_t, { client, bank, balance, settled }) {
    let xid = '';
    const isReturned = await returned(
      client.run('checkout', async (transaction) => {
        xid = transaction.xid;
        await bank.charge(charge);
        await client.rollback(xid);
      }),
    );
    await settled(xid);
    return isReturned && (await balance('ann')) === 100;
  },

  /** Half of a purchase is committed: the other half failed, and somebody swallowed that. */
  async 'commit-after-a-swallowed-error'(_t, { client, bank, balance }) {
    const isReturned = await returned(
      client.run('checkout', async () => {
        const inner = client.run('inner', async () => {
          await bank.charge(charge);
          throw new Error('before the goods were reserved');
        });
        await inner.catch(() => undefined);
      }),
    );
    return isReturned && (await balance('ann')) === 90;
  },

  /** A purchase is committed without what it began and did not await. */
  async 'leave-unawaited-calls'(_t, { client, bank, service }) {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    service.onSlowly = () => finished;
    let isOver = false;
    const running = client
      .run('checkout', async () => {
        bank.slowly(charge).catch(() => undefined);
        // It joins after the method returned, while the other is waited for.
        setImmediate(
          () =>
            void bank
              .charge({ account: 'bob', amount: 1 })
              .catch(() => (isOver = true))
              .finally(finish),
        );
      })
      .catch(() => undefined);
    await finished;
    await running;
    return isOver;
  },

  /** What runs on after the end is done without a transaction that could undo it, or in one that is over. */
  async 'join-after-the-end'(t, { client }) {
    let leftover: (() => Promise<unknown>) | undefined;
    await client.run('checkout', async () => {
      leftover = async () => client.run('leftover', async () => 'joined nothing');
      const { AsyncResource } = await import('node:async_hooks');
      leftover = AsyncResource.bind(leftover);
    });
    t.is(currentTransaction(), undefined);
    return returned(leftover?.() ?? Promise.resolve());
  },

  /** A stranger's transaction takes the work of a service in. */
  async 'join-any-caller'(t, { client, bank }) {
    const app = express();
    app.use(joinTransaction({ client, trust: () => false }));
    app.post('/work', async (_request, response) => void response.json(await bank.charge(charge)));
    const { origin } = await listening(t, app);
    const { xid } = await client.open({ name: "a stranger's" });
    await fetch(`${origin}/work`, { method: 'POST', headers: { 'concordat-xid': xid } });
    return (await client.get(xid)).branches.length > 0;
  },

  /** The xid, which is all that it takes to join, goes to somebody who was not named. */
  async 'xid-to-anybody'(t, { client }) {
    let seen: unknown;
    const { origin } = await listening(t, (request, response) => {
      seen = request.headers['concordat-xid'];
      response.end('{}');
    });
    const wrapped = transactionFetch({ origins: ['https://stock.internal'] });
    await client.run('checkout', async () => void (await wrapped(`${origin}/`)));
    return seen !== undefined;
  },
};

async function listening(
  t: ExecutionContext,
  listener: Parameters<typeof createServer>[1],
): Promise<{ origin: string }> {
  const server = createServer(listener as never).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

for (const [bug, harm] of Object.entries(harms) as [PlantedBug, Harm][]) {
  test.serial(`${bug}: no harm is done`, async (t) => {
    t.false(await harm(t, await startBank(t)));
  });

  test.serial(`${bug}: taken out, it is`, async (t) => {
    const world = await startBank(t);
    plant(t, bug);
    t.true(await harm(t, world));
  });
}
