/** A transaction that crosses from one process's code into another's, over real HTTP. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import express, { type Request, type Response } from 'express';
import { joinTransaction } from '../../sdk/express.js';
import {
  connect,
  currentTransaction,
  RolledBack,
  setRollbackOnly,
  TransactionEnded,
  transactionFetch,
} from '../../sdk/index.js';
import { startBank, type World } from './bank.js';

type Handler = (request: Request, response: Response) => Promise<void>;

const trustworthy = 'the key of the shop';

/** A service of express that trusts whoever has the key, with a client and a remote of its own. */
async function startService(t: ExecutionContext, { url }: World, handler: Handler): Promise<string> {
  const client = connect({ url });
  const app = express();
  app.use(joinTransaction<Request>({ client, trust: (request) => request.get('authorization') === trustworthy }));
  app.use(express.json());
  app.post('/work', handler);
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    await client.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ask = (body: unknown = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: trustworthy },
  body: JSON.stringify(body),
});

const charge = { account: 'ann', amount: 10 };

/** What stands in front of a service answers this while the service is at work. */
const gateway = 'HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n';

test('what a trusted service does is part of the transaction of its caller', async (t) => {
  const world = await startBank(t);
  const { client, bank, balance, settled } = world;
  const seen: (string | undefined)[] = [];
  const service = await startService(t, world, async ({ body }, response) => {
    seen.push(currentTransaction()?.xid);
    response.json(await bank.charge(body));
  });
  const fetch = transactionFetch({ origins: [service] });
  const xid = await client.run('good', async (transaction) => {
    t.is((await fetch(`${service}/work`, ask(charge))).status, 200);
    return transaction.xid;
  });
  t.deepEqual(seen, [xid]);
  t.is(await balance('ann'), 90);
  const error = await t.throwsAsync<Error & { xid?: string }>(
    client.run('bad', async () => {
      await fetch(`${service}/work`, ask(charge));
      throw new Error('no');
    }),
  );
  await settled(error?.xid ?? '');
  t.is(await balance('ann'), 90);
});

for (const [name, handler] of Object.entries<Handler>({
  throws: async () => {
    throw new Error('the service broke');
  },
  'answers 500': async (_request, response) => void response.status(500).json({}),
  'marks and answers 200': async (_request, response) => {
    void setRollbackOnly('not here');
    response.json({});
  },
})) {
  test(`a service that ${name} has marked before its answer is there`, async (t) => {
    const world = await startBank(t);
    const { client, bank, balance, settled } = world;
    const service = await startService(t, world, handler);
    const fetch = transactionFetch({ origins: [service] });
    const error = await t.throwsAsync(
      client.run('checkout', async ({ xid }) => {
        await bank.charge(charge);
        await fetch(`${service}/work`, ask());
        t.is((await client.events(xid)).filter(({ type }) => type === 'rollback_only').length, 1);
      }),
      { instanceOf: RolledBack },
    );
    await settled(error?.xid ?? '');
    t.is(await balance('ann'), 100);
  });
}

test('a no of the service is for its caller to judge', async (t) => {
  const world = await startBank(t);
  const service = await startService(t, world, async (_request, response) => void response.status(409).json({}));
  const fetch = transactionFetch({ origins: [service] });
  await world.client.run('checkout', async () => {
    await world.bank.charge(charge);
    t.is((await fetch(`${service}/work`, ask())).status, 409);
  });
  t.is(await world.balance('ann'), 90);
});

test('whoever is not trusted is not joined', async (t) => {
  const world = await startBank(t);
  const seen: unknown[] = [];
  const service = await startService(t, world, async (_request, response) => {
    seen.push(currentTransaction());
    response.json({});
  });
  const stranger = { method: 'POST', headers: { 'concordat-xid': 'somebody-elses' } };
  await fetch(`${service}/work`, stranger);
  await fetch(`${service}/work`, ask());
  await fetch(`${service}/work`, {
    ...ask(),
    headers: { authorization: trustworthy, 'concordat-xid': 'no xid at all' },
  });
  t.deepEqual(seen, [undefined, undefined, undefined]);
});

test("Seata's header is understood", async (t) => {
  const world = await startBank(t);
  const { client, bank, balance } = world;
  const service = await startService(
    t,
    world,
    async ({ body }, response) => void response.json(await bank.charge(body)),
  );
  await client.run('checkout', async ({ xid }) => {
    const { headers, ...rest } = ask(charge);
    await fetch(`${service}/work`, { ...rest, headers: { ...(headers as object), TX_XID: xid } });
    t.is((await client.get(xid)).branches.length, 1);
  });
  t.is(await balance('ann'), 90);
});

test('what a request left running when it was answered is told that it is over', async (t) => {
  const world = await startBank(t);
  let leftover: Promise<unknown> | undefined;
  let go = (): void => undefined;
  const wait = new Promise<void>((resolve) => {
    go = resolve;
  });
  const service = await startService(t, world, async (_request, response) => {
    leftover = wait.then(() => world.bank.charge(charge));
    leftover.catch(() => undefined);
    response.json({});
  });
  const fetch = transactionFetch({ origins: [service] });
  await world.client.run('checkout', async () => void (await fetch(`${service}/work`, ask())));
  go();
  await t.throwsAsync(async () => leftover, { instanceOf: TransactionEnded });
});

test('a service whose mark does not reach the coordinator does not answer yes', async (t) => {
  const world = await startBank(t);
  const client = { rollbackOnly: async () => Promise.reject(new Error('the coordinator is away')) };
  const app = express();
  app.use(joinTransaction({ client, trust: () => true }));
  app.post('/work', (_request, response) => {
    void setRollbackOnly('not here');
    response.json({});
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fetch = transactionFetch({ origins: [origin] });
  // Caught, it is no yes either: what the service did before it broke off is not known.
  await t.throwsAsync(
    world.client.run('checkout', async () => {
      await t.throwsAsync(fetch(`${origin}/work`, ask()));
    }),
    { instanceOf: RolledBack },
  );
});

for (const [how, handler, read] of [
  ['does not come in time', async () => undefined, async () => undefined],
  [
    'breaks off',
    async (_request, response) => void response.write('{', () => response.destroy()),
    async (a) => a.json(),
  ],
  [
    'breaks off for whoever reads the stream',
    async (_request, response) => void response.write('{', () => response.destroy()),
    async (a) => {
      for await (const _ of a.body ?? []);
    },
  ],
  ['is that of a gateway', async (_request, response) => void response.socket?.end(gateway), async (a) => a.text()],
] satisfies readonly [string, Handler, (answer: globalThis.Response) => Promise<unknown>][]) {
  test(`K1 I5 a service has charged and its answer ${how}: whoever pays elsewhere has not paid twice`, async (t) => {
    const world = await startBank(t);
    const { client, bank, balance, settled } = world;
    const giveUp = new AbortController();
    const service = await startService(t, world, async (request, response) => {
      await bank.charge(request.body);
      if (how === 'does not come in time') giveUp.abort();
      await handler(request, response);
    });
    const fetch = transactionFetch({ origins: [service] });
    const error = await t.throwsAsync(
      client.run('checkout', async () => {
        const paid = fetch(`${service}/work`, { ...ask(charge), signal: giveUp.signal });
        const heard = await paid.then(async (answer) => read(answer).then(() => answer.ok)).catch(() => false);
        if (!heard) await bank.charge({ account: 'bob', amount: 10 });
      }),
      { instanceOf: RolledBack },
    );
    await settled(error?.xid ?? '');
    t.deepEqual([await balance('ann'), await balance('bob')], [100, 100]);
  });
}

test('a request that surely did not arrive is a no', async (t) => {
  const { client, bank, balance } = await startBank(t);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const nobody = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise((resolve) => server.close(resolve));
  const fetch = transactionFetch({ origins: [nobody] });
  await client.run('checkout', () => fetch(`${nobody}/work`).catch(() => bank.charge({ account: 'bob', amount: 10 })));
  t.is(await balance('bob'), 90);
});

test('a mark in a request for a transaction that nobody knows, and an answer that cannot be sent, end that request only', async (t) => {
  const world = await startBank(t);
  const service = await startService(t, world, async ({ body }, response) => {
    if (body.mark) void setRollbackOnly('not here');
    // As a program without types may have it.
    response.end(body.mark ? 'yes' : (42 as never));
  });
  const lost = { ...ask().headers, 'concordat-xid': 'nobody-knows-it' };
  await t.throwsAsync(fetch(`${service}/work`, { ...ask({ mark: true }), headers: lost }));
  await t.throwsAsync(fetch(`${service}/work`, { ...ask({ mark: false }), headers: lost }));
  t.is((await world.client.list()).items.length, 0);
});

test('the xid goes to the origins that are listed, and nowhere else', async (t) => {
  const sent: [string, string | null][] = [];
  const plain = (async (input, init) => {
    const request = new Request(input, init);
    sent.push([request.url, request.headers.get('concordat-xid')]);
    return new Response();
  }) as typeof fetch;
  const { client } = await startBank(t);
  const wrapped = transactionFetch({ origins: ['https://stock.internal', 'http://a.internal:81/'], fetch: plain });
  await wrapped('https://stock.internal/outside');
  const xid = await client.run('checkout', async (transaction) => {
    await wrapped('https://stock.internal/inside');
    await wrapped(new URL('http://a.internal:81/'));
    await wrapped(new Request('https://stock.internal/request', { method: 'POST', body: 'x' }));
    for (const other of ['http://stock.internal/', 'https://stock.internal:444/', 'https://a.stock.internal/'])
      await wrapped(other);
    return transaction.xid;
  });
  t.deepEqual(sent, [
    ['https://stock.internal/outside', null],
    ['https://stock.internal/inside', xid],
    ['http://a.internal:81/', xid],
    ['https://stock.internal/request', xid],
    ['http://stock.internal/', null],
    ['https://stock.internal:444/', null],
    ['https://a.stock.internal/', null],
  ]);
  for (const wrong of ['stock.internal', 'https://stock.internal/path', '*'])
    t.throws(() => transactionFetch({ origins: [wrong] }), { message: /^origins: expected an origin such as/ });
});

test('a redirect does not take the xid along', async (t) => {
  const world = await startBank(t);
  const reached: (string | undefined)[] = [];
  const other = await startService(t, world, async (request, response) => {
    reached.push(request.get('concordat-xid'));
    response.json({});
  });
  const service = await startService(t, world, async (_request, response) => response.redirect(307, `${other}/work`));
  const fetch = transactionFetch({ origins: [service] });
  await t.throwsAsync(
    world.client.run('checkout', () => fetch(`${service}/work`, ask())),
    { instanceOf: TypeError },
  );
  t.deepEqual(reached, []);
});
