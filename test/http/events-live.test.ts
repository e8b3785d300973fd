import test from 'ava';
import { errors } from '../../sdk/protocol/errors.js';
import { openStream } from './reading.js';
import { planOf, startServing } from './serving.js';

/** A participant that answers when it is told to. */
function patient() {
  let answer: (() => void) | undefined;
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  return { answer: async () => asked.then(() => undefined as never), goOn: () => answer?.() };
}

test('the log comes live: what is there, then what comes, and the server ends it when it is final', async (t) => {
  const { answer, goOn } = patient();
  const { url, post, get } = await startServing(t, { answer });
  await post('/v1/transactions', { ...planOf('a', 'b'), xid: 'x1' });
  const reading = await openStream(t, `${url}/v1/transactions/x1/events`, { 'x-request-id': 'req-1' });
  t.is(reading.status, 200);
  t.like(reading.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-request-id': 'req-1',
  });
  await reading.until((events) => events.length === 1);
  t.is(reading.events[0]?.type, 'opened');
  goOn();
  await reading.ended;
  const { items } = (await get('/v1/transactions/x1/events')).body;
  t.deepEqual(
    reading.events,
    items.map((item: { seq: number; index: number; type: string }) => ({
      id: `${item.seq}.${item.index}`,
      type: item.type,
      data: item,
    })),
  );
  t.true(reading.text().startsWith('retry: 1000\n\n'));
  t.is(reading.events.at(-1)?.type, 'ended');
});

test('a reader that was cut off goes on behind the last event it saw, in the middle of an append too', async (t) => {
  const { url, post, get, request } = await startServing(t);
  await post('/v1/transactions', { ...planOf('a'), xid: 'x1' }, { prefer: 'wait=10' });
  const path = `${url}/v1/transactions/x1/events`;
  const { items } = (await get('/v1/transactions/x1/events')).body;
  const ids = items.map(({ seq, index }: { seq: number; index: number }) => `${seq}.${index}`);
  for (const [at, id] of ids.slice(0, -1).entries()) {
    const reading = await openStream(t, path, { 'last-event-id': id });
    await reading.ended;
    t.deepEqual(
      reading.events.map((event) => event.id),
      ids.slice(at + 1),
      `after ${id}`,
    );
  }
  const all = await openStream(t, path, { 'last-event-id': '99.0' });
  await all.ended;
  t.is(all.events.length, ids.length, 'an id of another log: from the beginning');
  const nothing = await request('/v1/transactions/x1/events', {
    headers: { accept: 'text/event-stream', 'last-event-id': ids.at(-1) },
  });
  t.is(nothing.status, 204, 'nothing will come any more: an EventSource stays away');
  t.is(nothing.body, '');
});

test('one that is parked stays open until somebody moved it', async (t) => {
  const { url, post } = await startServing(t, {
    answer: ({ body: { op, id } }) => {
      if (op === 'action') return id === 'b' ? { kind: 'refused', reason: 'no' } : { kind: 'done', output: 1 };
      return { kind: 'refused', reason: 'gone' };
    },
  });
  await post('/v1/transactions', { ...planOf('a', 'b'), xid: 'x1' }, { prefer: 'wait=10' });
  const reading = await openStream(t, `${url}/v1/transactions/x1/events`);
  await reading.until((events) => events.some(({ type }) => type === 'branch_parked'));
  await post('/v1/transactions/x1/resolve', { branches: [{ branch: 1, as: 'skipped', reason: 'by hand' }] });
  await reading.ended;
  t.like(reading.events.at(-1), { type: 'ended', data: { status: 'resolved' } });
});

test('what another coordinator does on the same store is told as well', async (t) => {
  const { answer, goOn } = patient();
  const other = await startServing(t, { answer });
  const { url } = await startServing(t, { changeStore: () => other.store });
  await other.post('/v1/transactions', { ...planOf('a'), xid: 'x1' });
  const reading = await openStream(t, `${url}/v1/transactions/x1/events`);
  await reading.until((events) => events.length === 1);
  goOn();
  await reading.ended;
  t.is(reading.events.at(-1)?.type, 'ended');
});

test('what is not there, or makes no sense, is a problem in JSON', async (t) => {
  const { get, request } = await startServing(t);
  const accept = { accept: 'text/event-stream' };
  const none = await get('/v1/transactions/none/events', accept);
  t.is(none.status, 404);
  t.like(none.body, { code: 'transaction_not_found', title: errors.transaction_not_found.title });
  for (const id of ['1', '1.x', '-1.0', '1.0.0', '9'.repeat(20)]) {
    const bad = await get('/v1/transactions/x1/events', { ...accept, 'last-event-id': id });
    t.like(bad, { status: 400, body: { code: 'invalid_request', errors: [{ pointer: 'last-event-id' }] } }, id);
  }
  const head = await request('/v1/transactions/none/events', { method: 'HEAD', headers: accept });
  t.is(head.status, 404);
});

test('a stop of the coordinator ends streams at once', async (t) => {
  const { answer, goOn } = patient();
  const { url, post, close } = await startServing(t, { answer });
  await post('/v1/transactions', { ...planOf('a'), xid: 'x1' });
  const reading = await openStream(t, `${url}/v1/transactions/x1/events`);
  await reading.until((events) => events.length === 1);
  const closing = close();
  await reading.ended;
  goOn();
  await closing;
  t.pass();
});
