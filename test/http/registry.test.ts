import test from 'ava';
import { unplaced } from '../../coordinator/dispatch/absence.js';
import { registration, startCoordinator, startHost, stockOne, tempStore } from './registering.js';
import { startServing } from './serving.js';

test('an instance that registers is seen, gets commands by its name, and is not seen any more after it left', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const host = await startHost(t);
  const body = registration(`${host.url}/base`, {
    handlers: [
      { name: 'reserve', kind: 'saga' },
      { name: 'count', kind: 'tcc', external: true },
    ],
    resourceGroup: 'money',
    batch: true,
  });
  const registered = await coordinator.ask('PUT', stockOne, body);
  t.is(registered.status, 200);
  t.like(registered.body, { participant: 'stock', id: 'one' });
  t.true(Math.abs(Date.parse(registered.body.expiresAt) - Date.now() - 60_000) < 5000);

  const { status, body: view } = await coordinator.order(10);
  t.is(status, 201);
  t.like(view, { status: 'committed', result: { reserve: { ok: true } } });
  t.like(view.branches[0], { kind: 'saga', participant: 'stock', handler: 'reserve' });
  t.deepEqual(host.paths, ['/base/reserve/action']);

  const [participant] = (await coordinator.ask('GET', '/v1/participants')).body.items;
  t.like(participant, {
    name: 'stock',
    resourceGroup: 'money',
    handlers: [
      { name: 'count', kind: 'tcc', external: true },
      { name: 'reserve', kind: 'saga', external: false },
    ],
  });
  t.like(participant.instances, [{ id: 'one', url: `${host.url}/base`, batch: true, sdk: 'test/1', alive: true }]);
  t.is(participant.instances[0].expiresAt, registered.body.expiresAt);

  for (let i = 0; i < 2; i++) {
    t.deepEqual((await coordinator.ask('DELETE', stockOne)).body, { participant: 'stock', id: 'one' });
  }
  t.is((await coordinator.ask('DELETE', '/v1/participants/nobody/instances/one')).status, 200);
  const [after] = (await coordinator.ask('GET', '/v1/participants')).body.items;
  t.like(after.instances, [{ id: 'one', alive: false }]);
  t.is(after.handlers.length, 2, 'its kinds are known still');
});

test('bad registrations are refused with what is wrong and where', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const good = registration('http://127.0.0.1:9');
  const bodies: readonly (readonly [object, string])[] = [
    [{ ...good, url: 'http://192.0.2.1/x' }, '/url'],
    [{ ...good, url: 'http://127.0.0.1:9/?a=1' }, '/url'],
    [{ ...good, url: 'nonsense' }, '/url'],
    [{ ...good, ttlMs: 999 }, '/ttlMs'],
    [{ ...good, ttlMs: 24 * 3_600_000 + 1 }, '/ttlMs'],
    [{ ...good, handlers: [{ name: '_x', kind: 'saga' }] }, '/handlers/0/name'],
    [{ ...good, handlers: [{ name: 'x', kind: 'sagas' }] }, '/handlers/0/kind'],
    [
      {
        ...good,
        handlers: [
          { name: 'x', kind: 'saga' },
          { name: 'x', kind: 'tcc' },
        ],
      },
      '/handlers/1/name',
    ],
    [{ ...good, handlers: Array.from({ length: 1001 }, (_, i) => ({ name: `h${i}`, kind: 'saga' })) }, '/handlers'],
    [{ ...good, sdk: '' }, '/sdk'],
    [{ ...good, batches: true }, '/batches'],
    [{ ...good, url: undefined }, '/url'],
  ];
  for (const [body, pointer] of bodies) {
    const answer = await coordinator.ask('PUT', stockOne, body);
    t.is(answer.status, 400, pointer);
    t.like(answer.body, { code: 'invalid_request', errors: [{ pointer }] });
  }
  for (const [path, pointer] of [
    ['/v1/participants/_stock/instances/one', 'name'],
    ['/v1/participants/stock/instances/%20', 'id'],
    [`/v1/participants/stock/instances/${'x'.repeat(129)}`, 'id'],
  ] as const) {
    t.like((await coordinator.ask('PUT', path, good)).body, { status: 400, errors: [{ pointer }] });
    t.like((await coordinator.ask('DELETE', path)).body, { status: 400, errors: [{ pointer }] });
  }
  t.deepEqual((await coordinator.ask('GET', '/v1/participants')).body, { items: [] });
});

test('a step for a participant that never registered is refused, one for a wrong kind too', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  t.like((await coordinator.order(0)).body, { status: 400, errors: [{ pointer: '/steps/0/participant' }] });
  await coordinator.ask('PUT', stockOne, registration('http://127.0.0.1:9'));
  const steps = [{ id: 'a', kind: 'tcc', participant: 'stock', handler: 'reserve' }];
  t.like((await coordinator.order(0, { steps })).body, { status: 400, errors: [{ pointer: '/steps/0/kind' }] });
});

test('L2 a handler of another kind is refused while an instance with the first one is alive', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const two = '/v1/participants/stock/instances/two';
  const other = registration('http://127.0.0.1:9', { handlers: [{ name: 'reserve', kind: 'tcc' }] });
  await coordinator.ask('PUT', stockOne, registration('http://127.0.0.1:9'));
  const refused = await coordinator.ask('PUT', two, other);
  t.is(refused.status, 409);
  t.like(refused.body, { code: 'kind_conflict', retryable: true });
  t.regex(refused.body.detail, /reserve of stock to be saga, as the living instance one/);
  t.regex(refused.body.detail, /until 20\S+Z, or until DELETE \/v1\/participants\/stock\/instances\/one/);
  await coordinator.ask('DELETE', stockOne);
  t.is((await coordinator.ask('PUT', two, other)).status, 200);
});

test('roles: who may only look cannot register', async (t) => {
  const store = await tempStore(t);
  const keys = { CONCORDAT_API_KEYS: 'eye:viewer:see,app:client:work' };
  const coordinator = await startCoordinator(t, store, {}, keys);
  const as = (key: string) => ({ authorization: `Bearer ${key}` });
  const body = registration('http://127.0.0.1:9');
  t.is((await coordinator.ask('PUT', stockOne, body, as('see'))).status, 403);
  t.is((await coordinator.ask('DELETE', stockOne, undefined, as('see'))).status, 403);
  t.is((await coordinator.ask('GET', '/v1/participants', undefined, as('see'))).status, 200);
  t.is((await coordinator.ask('PUT', stockOne, body, as('work'))).status, 200);
});

test('a key with names registers these participants, and nothing else of it is less', async (t) => {
  const keys = { CONCORDAT_API_KEYS: 'shop:client/order/payment:some,app:client:any' };
  const coordinator = await startCoordinator(t, await tempStore(t), {}, keys);
  const as = (key: string) => ({ authorization: `Bearer ${key}` });
  const body = registration('http://127.0.0.1:9');
  const paymentOne = '/v1/participants/payment/instances/one';
  t.is((await coordinator.ask('PUT', paymentOne, body, as('some'))).status, 200);
  const refused = await coordinator.ask('PUT', stockOne, body, as('some'));
  t.is(refused.status, 403);
  t.is(refused.body.code, 'forbidden');
  t.regex(
    refused.body.detail,
    /expected a key that may register stock, got shop, which may register order, payment only/,
  );
  t.is((await coordinator.ask('PUT', stockOne, body, as('any'))).status, 200);
  t.is((await coordinator.ask('DELETE', stockOne, undefined, as('some'))).status, 403);
  t.is((await coordinator.ask('DELETE', paymentOne, undefined, as('some'))).status, 200);
  const steps = [{ id: 'a', participant: 'stock', handler: 'reserve' }];
  t.is((await coordinator.ask('POST', '/v1/transactions', { name: 'order', steps }, as('some'))).status, 201);
});

test('I3 A2 after a restart the registry is there at once, and a plan needs no heartbeat first', async (t) => {
  const store = await tempStore(t);
  const host = await startHost(t);
  const before = await startCoordinator(t, store);
  await before.ask('PUT', stockOne, registration(host.url));
  await before.stop();
  const after = await startCoordinator(t, store);
  t.like((await after.order(10)).body, { status: 'committed' });
  t.deepEqual(host.paths, ['/reserve/action']);
});

test('a plan for a participant of which nobody is there is taken, is no attempt, and goes on as soon as somebody comes', async (t) => {
  // The sweep is far away: what is sent, is sent because somebody came.
  const coordinator = await startCoordinator(t, await tempStore(t), { sweepMs: '600000' });
  const host = await startHost(t);
  await coordinator.ask('PUT', stockOne, registration(host.url));
  await coordinator.ask('DELETE', stockOne);
  const waiting = await coordinator.order(0, { xid: 'order-1' });
  t.is(waiting.status, 202);
  const path = '/v1/transactions/order-1';
  t.deepEqual(
    (await coordinator.ask('GET', `${path}/events`)).body.items.map(({ type }: { type: string }) => type),
    ['opened'],
  );
  const ended = coordinator.ask('GET', path, undefined, { prefer: 'wait=10' });
  await coordinator.ask('PUT', stockOne, registration(host.url));
  const view = (await ended).body;
  t.is(view.status, 'committed');
  t.is(view.branches[0].attempts, 1);
  t.deepEqual(host.paths, ['/reserve/action']);
});

test('a command whose instance left while it was on its way out is no attempt, and goes when the sweep looks again', async (t) => {
  let tries = 0;
  const { post } = await startServing(t, {
    flags: { sweepMs: '20' },
    kinds: { 'stock/reserve': 'saga' },
    answer: () => (++tries === 1 ? unplaced : { kind: 'done', output: null }),
  });
  const steps = [{ id: 'reserve', participant: 'stock', handler: 'reserve' }];
  const { body } = await post('/v1/transactions', { name: 'order', steps }, { prefer: 'wait=10' });
  t.is(body.status, 'committed');
  t.is(body.branches[0].attempts, 1);
  t.is(tries, 2);
});

test('a transaction that waits for a participant can be rolled back', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const host = await startHost(t);
  await coordinator.ask('PUT', stockOne, registration(host.url));
  await coordinator.ask('DELETE', stockOne);
  await coordinator.order(0, { xid: 'order-1' });
  t.is((await coordinator.ask('POST', '/v1/transactions/order-1/rollback', {})).status, 200);
  await coordinator.ask('PUT', stockOne, registration(host.url));
  const { body } = await coordinator.ask('GET', '/v1/transactions/order-1', undefined, { prefer: 'wait=10' });
  t.is(body.status, 'rolled_back');
  t.false(host.paths.includes('/reserve/action'));
});

test('L1 a participant that moved while a transaction was open is found where it is now', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const [old, moved] = [await startHost(t), await startHost(t)];
  await coordinator.ask('PUT', stockOne, registration(old.url));
  await coordinator.ask('POST', '/v1/transactions', { name: 'order', xid: 'order-1' });
  const branch = { id: 'reserve', participant: 'stock', handler: 'reserve' };
  t.is((await coordinator.ask('POST', '/v1/transactions/order-1/branches', branch)).status, 201);
  await old.stop();
  await coordinator.ask('PUT', stockOne, registration(moved.url));
  const end = await coordinator.ask('POST', '/v1/transactions/order-1/rollback', {}, { prefer: 'wait=10' });
  t.is(end.body.status, 'rolled_back');
  t.deepEqual(old.paths, ['/reserve/action']);
  t.deepEqual(moved.paths, ['/reserve/compensate']);
});

test('the check of an initiator that registered is asked where it is', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const host = await startHost(t);
  await coordinator.ask('PUT', stockOne, registration(host.url, { checks: ['cart'] }));
  const open = (handler: string) =>
    coordinator.ask('POST', '/v1/transactions', {
      name: 'order',
      xid: 'order-1',
      timeoutMs: 1,
      onTimeout: 'ask',
      check: { participant: 'stock', handler },
    });
  t.like((await open('basket')).body, { status: 400, errors: [{ pointer: '/check/participant' }] });
  t.is((await open('cart')).status, 201);
  const { body } = await coordinator.ask('GET', '/v1/transactions/order-1', undefined, { prefer: 'wait=10' });
  t.is(body.status, 'rolled_back');
  t.deepEqual(host.paths, ['/cart/check']);
});

test('D10 a heartbeat tells since when nobody asks for what is older: the oldest transaction that is not final', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const heartbeat = async (): Promise<number> =>
    Date.parse((await coordinator.ask('PUT', stockOne, registration('http://127.0.0.1:9'))).body.fenceFloor);
  t.true(Math.abs((await heartbeat()) - Date.now()) < 5000);
  const opened = await coordinator.ask('POST', '/v1/transactions', { name: 'order', xid: 'order-1' });
  await coordinator.ask('POST', '/v1/transactions', { name: 'order', xid: 'order-2' });
  t.is(await heartbeat(), Date.parse(opened.body.openedAt));
  await coordinator.ask('POST', '/v1/transactions/order-1/rollback', {}, { prefer: 'wait=10' });
  t.true((await heartbeat()) >= Date.parse(opened.body.openedAt));
  await coordinator.ask('POST', '/v1/transactions/order-2/rollback', {}, { prefer: 'wait=10' });
  t.true(Math.abs((await heartbeat()) - Date.now()) < 5000);
});

test('what registers with one coordinator is known to another on the same store, and so is who left', async (t) => {
  const store = await tempStore(t);
  const [one, other] = [await startCoordinator(t, store), await startCoordinator(t, store)];
  const host = await startHost(t);
  await one.ask('PUT', stockOne, registration(host.url));
  const known = (await other.ask('GET', '/v1/participants')).body.items;
  t.like(known, [{ name: 'stock', instances: [{ id: 'one', alive: true }] }]);
  t.like((await other.order(10)).body, { status: 'committed' });
  await one.ask('DELETE', stockOne);
  await other.ask('GET', '/v1/participants');
  const held = await other.order(0, { xid: 'order-1' });
  t.is(held.status, 202);
  await one.ask('PUT', stockOne, registration(host.url));
  const { body } = await other.ask('GET', '/v1/transactions/order-1', undefined, { prefer: 'wait=10' });
  t.is(body.status, 'committed', 'seen with a sweep');
});

test('I12 a plan for whom another coordinator registered just now is not refused, nor is a repeat of it', async (t) => {
  const store = await tempStore(t);
  const first = await startCoordinator(t, store);
  const seldom = await startCoordinator(t, store, { sweepMs: '60000' });
  const host = await startHost(t);
  await first.ask('PUT', stockOne, registration(host.url));
  const xid = 'just-now';
  t.like((await first.order(10, { xid })).body, { xid, status: 'committed' });
  t.like((await seldom.order(10, { xid })).body, { xid, status: 'committed' });
});

test('many orders at once reach a host in batches, each once', async (t) => {
  const coordinator = await startCoordinator(t, await tempStore(t));
  const host = await startHost(t);
  await coordinator.ask('PUT', stockOne, registration(host.url, { batch: true }));
  const orders = await Promise.all(Array.from({ length: 100 }, () => coordinator.order(20)));
  t.true(orders.every(({ body }) => body.status === 'committed' && body.branches[0].attempts === 1));
  t.true(host.paths.includes('/_batch'));
  t.true(host.paths.length < 100, `${host.paths.length} requests`);
});
