/** How long a client asks on, and what it says when it gives up. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { exchangeWith } from '../../sdk/client/exchange.js';
import { patience, pauseBefore, troubleOf } from '../../sdk/client/patience.js';
import { connect, NoCoordinator } from '../../sdk/index.js';
import { clientOf } from './clients.js';

async function serverOf(t: ExecutionContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Every pause of a request that never succeeds, when attempts take no time. */
function pauses(withinMs: number, draw: number, retryAfterMs = 0): number[] {
  const found: number[] = [];
  for (let attempts = 1, failingMs = 0; ; attempts++) {
    const pause = pauseBefore({ attempts, failingMs, retryAfterMs, draw }, withinMs);
    if (pause === undefined) return found;
    found.push(pause);
    failingMs += pause;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

test('a coordinator that was there is asked for half a minute, ever more seldom', (t) => {
  for (const draw of [0, 0.5, 0.99]) {
    const all = pauses(patience.knownMs, draw);
    t.is(Math.round(sum(all)), 30_000);
    t.true(all[0]! <= 100);
    t.true(Math.max(...all) <= 2000);
    t.true(all.length < 40);
  }
  t.deepEqual(pauses(0, 0.5), []);
});

test('J5 an answer that names a time is not asked again before it, nor by all at once', (t) => {
  t.deepEqual(pauses(3500, 0, 1500), [1500, 1500, 500]);
  t.deepEqual(pauses(4000, 0.5, 1500), [1875, 1875, 250]);
});

test('what was surely not sent is told from what may have been', (t) => {
  t.is(troubleOf(Object.assign(new Error(), { code: 'ECONNREFUSED' })), 'unsent');
  t.is(troubleOf(Object.assign(new Error(), { code: 'CERT_HAS_EXPIRED' })), 'unsent');
  t.is(troubleOf(Object.assign(new Error(), { code: 'ECONNRESET' })), 'unanswered');
  t.is(troubleOf(undefined), 'unanswered');
});

test('nobody at the first contact is told soon', async (t) => {
  const began = performance.now();
  const error = await t.throwsAsync(clientOf(t, 'http://127.0.0.1:1').get('x'), { instanceOf: NoCoordinator });
  t.false(error?.wasSent);
  t.notRegex(error?.message ?? '', /may have been done/);
  t.true(performance.now() - began < 10_000);
});

test('K3 an answer that trickles is no answer', async (t) => {
  const url = await serverOf(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const drip = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(drip));
  });
  const exchange = exchangeWith(url, { answerWithinMs: 200, patience: { strangerMs: 0, knownMs: 0 } });
  t.teardown(() => exchange.close());
  const error = await t.throwsAsync(exchange.send({ method: 'GET', path: '/', repeatable: true }), {
    instanceOf: NoCoordinator,
  });
  t.regex(error?.message ?? '', /no answer within 200 ms/);
});

test('K1 what is no answer of a coordinator is told', async (t) => {
  const url = await serverOf(t, (_request, response) => response.end('<html>'));
  const error = await t.throwsAsync(clientOf(t, url, { patienceMs: 100 }).get('x'), { instanceOf: NoCoordinator });
  t.regex(error?.message ?? '', /expected JSON, got something else with status 200/);
});

test('a gateway that finds nobody is asked again', async (t) => {
  let asked = 0;
  const url = await serverOf(t, (_request, response) => {
    if (++asked < 3) response.writeHead(502).end('bad gateway');
    else response.end('{"items":[],"nextCursor":null}');
  });
  t.deepEqual((await clientOf(t, url).list()).items, []);
  t.is(asked, 3);
});

test('what would do harm twice is asked once', async (t) => {
  let asked = 0;
  const url = await serverOf(t, (request) => {
    asked++;
    request.socket.destroy();
  });
  const error = await t.throwsAsync(clientOf(t, url).resolve('x', []), { instanceOf: NoCoordinator });
  t.true(error?.wasSent);
  t.is(asked, 1);
});

test('a wait that is asked for again is only for what is left of it', async (t) => {
  const waits: unknown[] = [];
  let asked = 0;
  const url = await serverOf(t, (request, response) => {
    waits.push(request.headers.prefer);
    if (++asked < 4) request.socket.destroy();
    else response.end('{}');
  });
  const exchange = exchangeWith(url);
  t.teardown(() => exchange.close());
  await exchange.send({ method: 'POST', path: '/', body: {}, waitSeconds: 1, repeatable: true });
  t.is(waits[0], 'wait=1');
  t.true(waits.every((wait) => wait === 'wait=1' || wait === 'wait=0'));
});

test('what the caller changes meanwhile is not what is sent again', async (t) => {
  const bodies: string[] = [];
  const input = { amount: 1 };
  const url = await serverOf(t, async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    bodies.push(text);
    input.amount = 2;
    if (bodies.length === 1) request.socket.destroy();
    else response.end('{}');
  });
  const exchange = exchangeWith(url);
  t.teardown(() => exchange.close());
  await exchange.send({ method: 'POST', path: '/', body: input, repeatable: true });
  t.deepEqual(bodies, ['{"amount":1}', '{"amount":1}']);
});

test('a client that is closed asks no more', async (t) => {
  let client: ReturnType<typeof connect> | undefined;
  let asked = 0;
  const url = await serverOf(t, (request) => {
    asked++;
    void client?.close();
    request.socket.destroy();
  });
  client = connect({ url });
  const closed = { instanceOf: NoCoordinator, message: /was closed: call close\(\) after its last use/ };
  t.true((await t.throwsAsync(client.get('x'), closed))?.wasSent);
  t.false((await t.throwsAsync(client.get('x'), closed))?.wasSent);
  t.is(asked, 1);
});
