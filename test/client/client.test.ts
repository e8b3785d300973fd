import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { ConcordatError, connect, NoCoordinator } from '../../sdk/index.js';
import { planOf, startServing } from '../http/serving.js';

async function startServer(t: ExecutionContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function clientOf(t: ExecutionContext, url: string, apiKey?: string) {
  const client = connect({ url, ...(apiKey && { apiKey }) });
  t.teardown(() => client.close());
  return client;
}

test('a plan is submitted, waited for and looked at', async (t) => {
  const { url } = await startServing(t);
  const client = clientOf(t, url);
  const { xid, status } = await client.submit(planOf('a', 'b'), { waitSeconds: 10 });
  t.is(status, 'committed');
  t.is((await client.get(xid)).xid, xid);
  t.is((await client.wait(xid)).status, 'committed');
  t.like(await client.list({ status: 'committed' }), { items: [{ xid }], nextCursor: null });
  t.is((await client.events(xid))[0]?.type, 'opened');
});

test('a transaction is driven by its initiator', async (t) => {
  const { url } = await startServing(t);
  const client = clientOf(t, url);
  const { xid } = await client.open({ name: 'checkout' });
  const branch = await client.addBranch(xid, { id: 'a', kind: 'tcc', url: 'http://127.0.0.1:9/a', input: 1 });
  t.is(branch.status, 'done');
  t.is((await client.commit(xid, { waitSeconds: 10 })).status, 'committed');
  const other = await client.open({ name: 'checkout' });
  await client.rollbackOnly(other.xid, 'no more');
  t.like(await client.rollback(other.xid, { waitSeconds: 10 }), { status: 'rolled_back' });
});

test('an error has its code and its findings', async (t) => {
  const { url } = await startServing(t, { env: { CONCORDAT_API_KEYS: 'a:client:k' } });
  const client = clientOf(t, url, 'k');
  t.like(await t.throwsAsync(client.get('none'), { instanceOf: ConcordatError }), { code: 'transaction_not_found' });
  const bad = await t.throwsAsync(client.submit(planOf('_a')), { instanceOf: ConcordatError });
  t.like(bad, { code: 'invalid_request', details: [{ pointer: '/steps/0/id' }] });
  t.like(await t.throwsAsync(clientOf(t, url, 'wrong').get('none')), { code: 'unauthorized' });
});

test('I12 a lost answer never makes a second transaction', async (t) => {
  const { url, stored, sent } = await startServing(t);
  let isLost = false;
  const proxy = await startServer(t, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const answer = await fetch(url + request.url, {
        method: request.method ?? '',
        headers: { 'content-type': 'application/json', prefer: 'wait=10' },
        body: Buffer.concat(chunks),
      });
      const text = await answer.text();
      if (isLost) response.writeHead(answer.status).end(text);
      else request.socket.destroy();
      isLost = true;
    });
  });
  const view = await clientOf(t, proxy).submit(planOf('a'), { waitSeconds: 10 });
  t.is(view.status, 'committed');
  t.is(await stored(), 1);
  t.is(sent.length, 1);
});

test('a 503 is asked again, and in the end told', async (t) => {
  let asked = 0;
  const url = await startServer(t, (_request, response) => {
    asked++;
    response.writeHead(503, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ code: 'store_unavailable', detail: 'away' }));
  });
  const client = connect({ url, patienceMs: 2000 });
  t.teardown(() => client.close());
  t.like(await t.throwsAsync(client.get('x')), { code: 'store_unavailable', message: 'away' });
  t.true(asked >= 2);
});

test('nobody under the address is NoCoordinator', async (t) => {
  const error = await t.throwsAsync(clientOf(t, 'http://127.0.0.1:1').get('x'), { instanceOf: NoCoordinator });
  t.regex(error?.message ?? '', /no coordinator answers at http:\/\/127.0.0.1:1 .*ECONNREFUSED/);
});

test('an error that this version does not know is still an error', async (t) => {
  const url = await startServer(t, (_request, response) =>
    response.writeHead(418).end('{"code":"teapot","detail":"short and stout"}'),
  );
  t.like(await t.throwsAsync(clientOf(t, url).get('x')), { code: 'internal', message: 'teapot: short and stout' });
});

test('an option that connect does not have is told at once, and so is what is none', (t) => {
  const wrong: readonly [unknown, RegExp][] = [
    [{ uri: 'http://127.0.0.1:1' }, /^connect: expected no options but url, apiKey, patienceMs, got "uri"$/],
    ['http://127.0.0.1:1', /^connect: expected options as an object, .*; got "http:\/\/127\.0\.0\.1:1"$/],
    [{ patienceMs: '500' }, /^patienceMs: expected ms from 0, got "500"$/],
    [{ patienceMs: -1 }, /^patienceMs: expected ms from 0, got -1$/],
  ];
  for (const [options, message] of wrong) t.throws(() => connect(options as never), { instanceOf: TypeError, message });
});

test('a body that JSON cannot carry is a ConcordatError too', async (t) => {
  const client = clientOf(t, 'http://127.0.0.1:1');
  const plan = { ...planOf('a'), metadata: { amount: 1n as never } };
  t.like(await t.throwsAsync(client.submit(plan), { instanceOf: ConcordatError }), { code: 'invalid_json' });
});

test('an address that is none is refused at once', (t) => {
  t.throws(() => connect({ url: 'localhost:8090' }), {
    message: /^url: expected the address of a coordinator .*, got "localhost:8090"/,
  });
});
