import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { bodyOf, signal } from '../dispatch/participants.js';
import { registration, type Started, startCoordinator, startHost, stockOne, tempStore } from './registering.js';

const stock = '/v1/participants/stock';

/** A server that answers as it is told at each request, and counts them. */
async function startServer(t: ExecutionContext, answer: (response: ServerResponse, nth: number) => unknown) {
  let came = 0;
  const server = createServer(async (request, response) => {
    await bodyOf(request);
    await answer(response, ++came);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, came: () => came };
}

/** Opens a plan of one step for a URL; resolves with its state after `waitSeconds`. */
const stepTo = (coordinator: Started, url: string, waitSeconds: number) =>
  coordinator.ask(
    'POST',
    '/v1/transactions',
    { name: 'one', steps: [{ id: 'one', kind: 'saga', url }] },
    { prefer: `wait=${waitSeconds}` },
  );

const itemOf = async (coordinator: Started, name: string) =>
  (await coordinator.ask('GET', '/v1/participants')).body.items.find((item: { name: string }) => item.name === name);

/** Asks until it holds. */
async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('a participant is paused and goes on: what came meanwhile waits, and is sent as its first attempt', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const host = await startHost(t);
  await coordinator.ask('PUT', stockOne, registration(host.url));
  const paused = await coordinator.ask('PUT', stock, { paused: true });
  t.is(paused.status, 200);
  t.like(paused.body, { name: 'stock', paused: true, limits: { concurrency: 256, perSecond: null } });
  t.is(paused.body.instances.length, 1);
  const { status, body } = await coordinator.order(0);
  t.is(status, 202);
  await until(async () => (await itemOf(coordinator, 'stock')).health.held === 1);
  t.deepEqual(host.paths, []);
  t.like((await coordinator.ask('PUT', stock, { paused: false })).body, { paused: false });
  await until(async () => (await coordinator.ask('GET', `/v1/transactions/${body.xid}`)).body.status === 'committed');
  t.is(host.paths.length, 1);
  t.is((await coordinator.ask('GET', `/v1/transactions/${body.xid}`)).body.branches[0].attempts, 1);
  t.like((await itemOf(coordinator, 'stock')).health, { breaker: 'closed', held: 0, inFlight: 0, failureShare: 0 });
});

test('limits and pauses outlive a restart, and reach the other coordinators on the store', async (t) => {
  const store = await tempStore(t);
  const [first, second] = [await startCoordinator(t, store), await startCoordinator(t, store)];
  await first.ask('PUT', stock, { limits: { concurrency: 3, perSecond: 0.5 }, paused: true });
  const limits = { concurrency: 3, perSecond: 0.5 };
  await until(async () => (await itemOf(second, 'stock'))?.paused === true);
  t.like(await itemOf(second, 'stock'), { limits, handlers: [], instances: [] });
  t.like((await second.ask('PUT', stock, { paused: false })).body, { limits, paused: false });
  await until(async () => (await itemOf(first, 'stock')).paused === false);
  t.like((await first.ask('PUT', stock, { limits: { perSecond: null } })).body.limits, {
    concurrency: 3,
    perSecond: null,
  });
  await first.stop();
  const third = await startCoordinator(t, store, { participantConcurrency: '7' });
  t.like(await itemOf(third, 'stock'), { limits: { concurrency: 3, perSecond: null } });
  t.like((await third.ask('PUT', stock, { limits: null })).body.limits, { concurrency: 7, perSecond: null });
});

test('bad limits are refused with what is wrong and where; so are names of nothing', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const bodies: readonly (readonly [object, string])[] = [
    [{ limits: { concurrency: 0 } }, '/limits/concurrency'],
    [{ limits: { concurrency: 1.5 } }, '/limits/concurrency'],
    [{ limits: { concurrency: 1025 } }, '/limits/concurrency'],
    [{ limits: { perSecond: 0 } }, '/limits/perSecond'],
    [{ limits: { perSecond: '5' } }, '/limits/perSecond'],
    [{ limits: { perMinute: 5 } }, '/limits/perMinute'],
    [{ paused: 'yes' }, '/paused'],
    [{ pause: true }, '/pause'],
  ];
  for (const [body, pointer] of bodies) {
    const refused = await coordinator.ask('PUT', stock, body);
    t.is(refused.status, 400);
    t.is(refused.body.errors[0].pointer, pointer);
  }
  for (const name of ['1stock', 'ftp://127.0.0.1', 'http://127.0.0.1/path', 'http://a:b@127.0.0.1'])
    t.is((await coordinator.ask('PUT', `/v1/participants/${encodeURIComponent(name)}`, {})).status, 400, name);
  t.deepEqual((await coordinator.ask('GET', '/v1/participants')).body.items, []);
});

test('I14 a rate and a room for one call hold for the origin of a URL, however that is written', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  let [inFlight, most] = [0, 0];
  const server = await startServer(t, async (response) => {
    most = Math.max(most, ++inFlight);
    await new Promise((resolve) => setImmediate(resolve));
    inFlight--;
    response.end();
  });
  const origin = encodeURIComponent(server.url);
  t.is(
    (await coordinator.ask('PUT', `/v1/participants/${origin}`, { limits: { concurrency: 1, perSecond: 20 } })).status,
    200,
  );
  const began = performance.now();
  const spelled = [server.url, server.url.replace('127.0.0.1', '0x7f.1'), server.url.replace('http:', 'HTTP:')];
  const all = await Promise.all(Array.from({ length: 24 }, (_, i) => stepTo(coordinator, `${spelled[i % 3]}/x`, 30)));
  t.deepEqual([...new Set(all.map(({ body }) => body.status))], ['committed']);
  t.is(most, 1);
  // Two at once, and then one each 50 ms.
  t.true(performance.now() - began >= 21 * 50);
  t.like(await itemOf(coordinator, server.url), { limits: { concurrency: 1, perSecond: 20 } });
});

test('J4 a dead, a hanging, a slow and a hostile target delay no other', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const release = signal();
  const hanging = await startServer(t, () => release.came);
  t.teardown(() => release.give());
  const hostile = await startServer(t, (response) => response.writeHead(503, { 'retry-after': '9999' }).end('{'));
  const slow = await startServer(t, (response) => setTimeout(() => response.end(), 400));
  const good = await startServer(t, (response) => response.end());
  const bad = ['http://127.0.0.1:1', hanging.url, hostile.url, slow.url];
  const limited = `/v1/participants/${encodeURIComponent(hanging.url)}`;
  await coordinator.ask('PUT', limited, { limits: { concurrency: 2 } });
  await Promise.all(Array.from({ length: 120 }, (_, i) => stepTo(coordinator, `${bad[i % 4]}/x`, 0)));
  const all = await Promise.all(Array.from({ length: 60 }, () => stepTo(coordinator, `${good.url}/x`, 60)));
  t.deepEqual([...new Set(all.map(({ body }) => body.status))], ['committed']);
  t.true(good.came() >= 60);
  t.is((await itemOf(coordinator, good.url)).health.held, 0);
  t.true((await itemOf(coordinator, hanging.url)).health.held > 0, 'and the others wait still');
});

test('J1 J5 who answers 503 with Retry-After is left alone so long, whatever waits for it', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const server = await startServer(t, (response) => response.writeHead(503, { 'retry-after': '30' }).end());
  await stepTo(coordinator, `${server.url}/x`, 0);
  await until(async () => (await itemOf(coordinator, server.url))?.health.breaker === 'open');
  await Promise.all(Array.from({ length: 20 }, () => stepTo(coordinator, `${server.url}/x`, 0)));
  await until(async () => (await itemOf(coordinator, server.url)).health.held === 20);
  t.is(server.came(), 1);
  const { health } = await itemOf(coordinator, server.url);
  t.like(health, { failureShare: 1, inFlight: 0 });
  t.regex(health.lastError, /503/);
  t.true(Math.abs(Date.parse(health.since) - Date.now()) < 10_000);
});

test('J1 J2 a target that answers nobody is tried by one call at a time; when it is back all get through', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  let isBack = false;
  const server = await startServer(t, (response) => response.writeHead(isBack ? 200 : 500).end());
  const opened = await Promise.all(Array.from({ length: 200 }, () => stepTo(coordinator, `${server.url}/x`, 0)));
  await until(async () => (await itemOf(coordinator, server.url))?.health.breaker !== 'closed');
  const before = server.came();
  await until(async () => (await itemOf(coordinator, server.url)).health.held >= 100);
  t.true(server.came() - before < 50, `${server.came() - before} calls`);
  isBack = true;
  const statusOf = async (xid: string) => (await coordinator.ask('GET', `/v1/transactions/${xid}`)).body.status;
  for (const { body } of opened) await until(async () => (await statusOf(body.xid)) === 'committed');
  t.like((await itemOf(coordinator, server.url)).health, { held: 0, inFlight: 0 });
});
