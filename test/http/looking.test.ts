import test from 'ava';
import { routes } from '../../coordinator/http/routes.js';
import { StoreError } from '../../coordinator/store/store.js';
import { errors } from '../../sdk/protocol/errors.js';
import { planOf, startServing } from './serving.js';

test('the log is shown event by event, with times as strings', async (t) => {
  const { post, get } = await startServing(t);
  await post('/v1/transactions', { ...planOf('a'), xid: 'x1', timeoutMs: 60_000 }, { prefer: 'wait=10' });
  const { status, body } = await get('/v1/transactions/x1/events');
  t.is(status, 200);
  const [first, ...rest] = body.items;
  t.like(first, { seq: 1, index: 0, type: 'opened', name: 'checkout' });
  t.regex(first.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const deadlineMs = Date.parse(first.deadlineAt) - Date.parse(first.at);
  t.true(deadlineMs > 59_000 && deadlineMs <= 60_000, `${deadlineMs}`);
  t.deepEqual(
    rest.map(({ type }: { type: string }) => type),
    ['branch_done', 'decided', 'ended'],
  );
  t.deepEqual(
    rest.map(({ seq, index }: { seq: number; index: number }) => `${seq}.${index}`),
    ['2.0', '2.1', '2.2'],
  );
});

test('lists filter, page, and leave out what only one transaction shows', async (t) => {
  const { post, get } = await startServing(t);
  for (const xid of ['x1', 'x2', 'x3']) {
    await post('/v1/transactions', { ...planOf('a'), xid, businessKey: `order ${xid}` }, { prefer: 'wait=10' });
  }
  const first = await get('/v1/transactions?status=committed&status=parked&limit=2');
  t.deepEqual(
    first.body.items.map(({ xid }: { xid: string }) => xid),
    ['x3', 'x2'],
  );
  t.false('branches' in first.body.items[0]);
  t.false('waitingOn' in first.body.items[0]);
  const second = await get(`/v1/transactions?limit=2&cursor=${first.body.nextCursor}`);
  t.deepEqual(
    second.body.items.map(({ xid }: { xid: string }) => xid),
    ['x1'],
  );
  t.is(second.body.nextCursor, null);
  const keyed = await get('/v1/transactions?businessKey=order%20x2');
  t.like(keyed.body.items, [{ xid: 'x2', status: 'committed', decision: 'commit', businessKey: 'order x2' }]);
  const { branches, waitingOn, ...one } = (await get('/v1/transactions/x2')).body;
  t.deepEqual(keyed.body.items, [one]);
});

test('the outputs of a page are told up to 8 MiB, and then left out', async (t) => {
  const output = 'x'.repeat(1_000_000);
  const { post, get } = await startServing(t, { answer: () => ({ kind: 'done', output }) });
  const xids = Array.from({ length: 11 }, (_, index) => `x${String(index).padStart(2, '0')}`);
  for (const xid of xids) await post('/v1/transactions', { ...planOf('a'), xid }, { prefer: 'wait=10' });
  const { items } = (await get('/v1/transactions')).body;
  t.deepEqual(
    items.map(({ xid }: { xid: string }) => xid),
    xids.toReversed(),
  );
  t.deepEqual(items[0].result, { a: output });
  t.deepEqual(
    items.map(({ result }: { result: unknown }) => result !== null),
    xids.map((_, index) => index < 8),
  );
});

test('filters that make no sense are refused by their name', async (t) => {
  const { get } = await startServing(t);
  const bad: Readonly<Record<string, string>> = {
    'status=gone': 'status',
    'limit=0': 'limit',
    'limit=501': 'limit',
    'limit=x': 'limit',
    'openedAfter=yesterday': 'openedAfter',
    'openedAfter=2026-02-30T00:00:00Z': 'openedAfter',
    'openedBefore=2030-01-01': 'openedBefore',
    'cursor=AAAA': 'cursor',
    'colour=red': 'colour',
    '__proto__=x': '__proto__',
    'toString=x': 'toString',
    'limit=1&limit=2': 'limit',
    'limit=1e2': 'limit',
    'participant=a%00b': 'participant',
    'name=': 'name',
    'name=a&name=b': 'name',
  };
  for (const [query, pointer] of Object.entries(bad)) {
    const answer = await get(`/v1/transactions?${query}`);
    t.is(answer.status, 400, query);
    t.is(answer.body.errors[0].pointer, pointer, query);
  }
});

test('what is not there is a problem with a code', async (t) => {
  const { get, post, request } = await startServing(t);
  for (const path of [
    '/v1/transactions/none',
    '/v1/transactions/none/events',
    '/v1/transactions/..%2f',
    `/v1/transactions/${'x'.repeat(99)}`,
  ]) {
    const answer = await get(path);
    t.is(answer.status, 404, path);
    t.is(answer.body.code, 'transaction_not_found', path);
  }
  for (const what of ['commit', 'rollback', 'rollback-only', 'retry']) {
    t.is((await post(`/v1/transactions/none/${what}`)).body.code, 'transaction_not_found', what);
  }
  t.is((await get('/v2/nothing')).body.code, 'route_not_found');
  t.is((await get('/v1/transactions/%E0%A4%A')).status, 400);
  const wrong = await request('/v1/transactions', { method: 'DELETE' });
  t.is(wrong.status, 405);
  t.is(wrong.body.code, 'method_not_allowed');
  t.is(wrong.headers.get('allow'), 'POST, GET, HEAD');
});

test('a later version is announced by 501', async (t) => {
  const { request } = await startServing(t);
  const later = routes.filter(({ describe }) => describe === null);
  t.true(later.length > 0);
  for (const { method, path } of later) {
    const answer = await request(path.replace(/:\w+/g, '1'), { method });
    t.is(answer.status, 501, path);
    t.is(answer.body.code, 'not_available', path);
  }
});

test('every answer has a request id: the own one where it makes sense', async (t) => {
  const { get } = await startServing(t);
  t.is((await get('/healthz', { 'x-request-id': 'req-1' })).headers.get('x-request-id'), 'req-1');
  for (const path of ['/healthz', '/nowhere', '/v1/transactions/none']) {
    t.regex((await get(path, { 'x-request-id': 'a b"' })).headers.get('x-request-id') ?? '', /^[0-9a-f]{32}$/);
  }
});

test('the process is alive without a store, but not ready', async (t) => {
  let isUp = true;
  const { get, post } = await startServing(t, {
    changeStore: (store) => ({
      ...store,
      now: () => (isUp ? store.now() : Promise.reject(new StoreError('outage', 'away'))),
      append: (append) => (isUp ? store.append(append) : Promise.reject(new StoreError('outage', 'away'))),
    }),
  });
  t.is((await get('/readyz')).status, 200);
  isUp = false;
  t.is((await get('/healthz')).status, 200);
  for (const answer of [await get('/readyz'), await post('/v1/transactions', planOf('a'))]) {
    t.is(answer.status, 503);
    t.like(answer.body, { code: 'store_unavailable', retryable: true });
    t.is(answer.headers.get('retry-after'), '1');
  }
});

test('the problem of each error has its status and title from the catalogue', async (t) => {
  const { get } = await startServing(t);
  const { body, status } = await get('/v1/transactions/none');
  const { title } = errors.transaction_not_found;
  t.deepEqual(body, {
    type: 'urn:concordat:error:transaction_not_found',
    title,
    status,
    detail: 'there is no transaction none',
    code: 'transaction_not_found',
    retryable: false,
  });
});
