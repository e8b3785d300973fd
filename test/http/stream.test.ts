import test, { type ExecutionContext } from 'ava';
import { openStream, type Reading, type SeenEvent } from './reading.js';
import { planOf, type Serving, startServing } from './serving.js';

const run = (serving: Serving, xid: string, more: object = {}) =>
  serving.post('/v1/transactions', { ...planOf('a'), xid, ...more }, { prefer: 'wait=10' });

const saw =
  (xid: string, status = 'committed') =>
  (events: readonly SeenEvent[]) =>
    events.some(({ data }) => data.xid === xid && data.status === status);

/** Open, and sure to miss nothing from here on. */
async function watch(t: ExecutionContext, { url }: Serving, query = '', lastId?: string): Promise<Reading> {
  const reading = await openStream(t, `${url}/v1/stream${query}`, lastId ? { 'last-event-id': lastId } : {});
  t.is(reading.status, 200);
  await reading.until(() => reading.lastId() !== '');
  return reading;
}

test('every change of every transaction comes, as lists show it without its payload, with an id to come back with', async (t) => {
  const serving = await startServing(t);
  const reading = await watch(t, serving);
  t.like(reading.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  await run(serving, 'x1', { businessKey: 'line\u2028 "end"' });
  await run(serving, 'x2');
  await reading.until((events) => saw('x1')(events) && saw('x2')(events));
  const { items } = (await serving.get('/v1/transactions')).body;
  for (const { metadata, result, ...item } of items) {
    t.is(typeof result, 'object');
    t.is(typeof metadata, 'object');
    const last = reading.events.filter(({ data }) => data.xid === item.xid).at(-1) as SeenEvent;
    t.is(last.type, 'transaction');
    t.deepEqual(last.data, { ...item, seq: 2, at: item.finishedAt });
  }
});

test('who was cut off hears all that came meanwhile, and who was cut off before the first event too', async (t) => {
  const serving = await startServing(t);
  const first = await watch(t, serving);
  first.leave();
  await run(serving, 'x1');
  const second = await watch(t, serving, '', first.lastId());
  await second.until(saw('x1'));
  second.leave();
  for (const xid of ['x2', 'x3', 'x4']) await run(serving, xid);
  const third = await watch(t, serving, '', second.lastId());
  await third.until((events) => ['x2', 'x3', 'x4'].every((xid) => saw(xid)(events)));
  t.false(saw('x1')(third.events), 'and nothing from before');
});

test('who comes back with what this store does not know is told to load the list again', async (t) => {
  const serving = await startServing(t);
  await run(serving, 'x1');
  const reading = await watch(t, serving, '', '77-deadbeef');
  await reading.until((events) => events.length > 0);
  t.is(reading.events[0]?.type, 'reset');
  await run(serving, 'x2');
  await reading.until(saw('x2'));
  const bad = await serving.get('/v1/stream', { 'last-event-id': 'x y' });
  t.like(bad, { status: 400, body: { code: 'invalid_request', errors: [{ pointer: 'last-event-id' }] } });
});

test('what other coordinators append on the same store comes too', async (t) => {
  const one = await startServing(t);
  const other = await startServing(t, { changeStore: () => one.store });
  const reading = await watch(t, one);
  await run(other, 'x1');
  await reading.until(saw('x1'));
  t.pass();
});

test('filters leave out what does not match, and say where the stream is all the same', async (t) => {
  const serving = await startServing(t, {
    answer: ({ body: { xid } }) => (xid === 'x2' ? { kind: 'refused', reason: 'no' } : { kind: 'done', output: 1 }),
  });
  const [byStatus, byName, byKey] = await Promise.all([
    watch(t, serving, '?status=rolled_back&status=parked'),
    watch(t, serving, '?name=refund'),
    watch(t, serving, '?businessKey=k3'),
  ]);
  await run(serving, 'x1');
  await run(serving, 'x2');
  await run(serving, 'x3', { name: 'refund', businessKey: 'k3' });
  await Promise.all([byStatus.until(saw('x2', 'rolled_back')), byName.until(saw('x3')), byKey.until(saw('x3'))]);
  const xids = (reading: Reading) => [...new Set(reading.events.map(({ data }) => data.xid))];
  t.deepEqual([byStatus, byName, byKey].map(xids), [['x2'], ['x3'], ['x3']]);
  const wrong = await serving.get('/v1/stream?limit=3&status=gone');
  t.is(wrong.status, 400);
});

test('nobody looks while nobody watches', async (t) => {
  let looks = 0;
  const serving = await startServing(t, {
    changeStore: (store) => ({
      ...store,
      tail: (after, limit) => {
        if (after !== null) looks++;
        return store.tail(after, limit);
      },
    }),
  });
  await run(serving, 'x1');
  t.is(looks, 0);
  const reading = await watch(t, serving);
  await run(serving, 'x2');
  await reading.until(saw('x2'));
  reading.leave();
  // As long as it takes another stream to see something.
  const other = await watch(t, serving);
  await run(serving, 'x3');
  await other.until(saw('x3'));
  t.true(looks > 0);
});

test('there is a most of streams; beyond it, 503 says when to come back, and one that left makes room', async (t) => {
  const serving = await startServing(t, { streams: { countMax: 2 } });
  const [first] = await Promise.all([watch(t, serving), watch(t, serving)]);
  const refused = await serving.get('/v1/stream');
  t.like(refused, { status: 503, body: { code: 'too_many_watchers', retryable: true } });
  t.is(refused.headers.get('retry-after'), '1');
  first.leave();
  await first.ended;
  let status = 503;
  while (status === 503) ({ status } = await openStream(t, `${serving.url}/v1/stream`));
  t.is(status, 200);
});

test('HEAD answers without a stream, and a revoked key ends one', async (t) => {
  const serving = await startServing(t, { env: { CONCORDAT_API_KEYS: 'eve:viewer:k1' } });
  const key = { authorization: 'Bearer k1' };
  const head = await serving.request('/v1/stream', { method: 'HEAD', headers: key });
  t.is(head.status, 200);
  t.is(head.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  t.is((await serving.get('/v1/stream')).status, 401);
  const reading = await openStream(t, `${serving.url}/v1/stream`, key);
  t.is(reading.status, 200);
  serving.keys.replace([{ name: 'ann', role: 'viewer', key: 'k2', participants: undefined }]);
  await reading.ended;
  t.is((await serving.get('/v1/stream', key)).status, 401);
});
