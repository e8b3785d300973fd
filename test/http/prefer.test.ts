import test from 'ava';
import { waitMsOf } from '../../coordinator/http/prefer.js';
import { planOf, startServing } from './serving.js';

test('Prefer: wait is read among other preferences', (t) => {
  t.is(waitMsOf(undefined), undefined);
  t.is(waitMsOf('respond-async'), undefined);
  t.is(waitMsOf('wait=0'), 0);
  t.is(waitMsOf('respond-async, wait=60; x=y'), 60_000);
  t.is(waitMsOf('Wait = "7"'), 7_000);
});

test('a wait that is not whole seconds from 0 to 60 is refused', (t) => {
  for (const bad of ['wait', 'wait=', 'wait=61', 'wait=-1', 'wait=1.5', 'wait=x', 'wait=1e1']) {
    t.throws(() => waitMsOf(bad), { code: 'invalid_request' }, bad);
  }
});

test('without a preference the answer comes once the transaction is stored', async (t) => {
  const { post, get } = await startServing(t, { answer: () => new Promise(() => undefined) });
  const answer = await post('/v1/transactions', { ...planOf('a'), xid: 'x1' });
  t.is(answer.status, 201);
  t.is(answer.body.status, 'active');
  t.is((await get('/v1/transactions/x1')).body.status, 'active');
});

test('a wait that ends before the transaction does is answered with 202 and the state by then', async (t) => {
  const { post } = await startServing(t, { answer: () => new Promise(() => undefined) });
  for (const [wait, status] of [
    ['wait=1', 202],
    ['wait=0', 202],
  ] as const) {
    const answer = await post('/v1/transactions', { ...planOf('a'), xid: 'x1' }, { prefer: wait });
    t.is(answer.status, status);
    t.is(answer.body.status, 'active');
    t.is(answer.headers.get('preference-applied'), wait);
  }
});

test('how a transaction ended is in the body, never in the status code', async (t) => {
  const { post } = await startServing(t, {
    answer: ({ body }) => (body.id === 'b' ? { kind: 'refused', reason: 'sold out' } : { kind: 'done', output: null }),
  });
  const answer = await post('/v1/transactions', planOf('a', 'b'), { prefer: 'wait=10' });
  t.is(answer.status, 201);
  t.like(answer.body, { status: 'rolled_back', decision: 'rollback', reason: "'b' was refused: sold out" });
});

test('a parked transaction is waited for no longer', async (t) => {
  const { post } = await startServing(t, {
    answer: ({ body }) =>
      body.op === 'confirm' ? { kind: 'refused', reason: 'gone' } : { kind: 'done', output: null },
  });
  const plan = { name: 'x', steps: [{ id: 'a', kind: 'tcc', url: 'http://127.0.0.1:9/a' }] };
  const answer = await post('/v1/transactions', plan, { prefer: 'wait=10' });
  t.is(answer.status, 201);
  t.like(answer.body, { status: 'parked', decision: 'commit' });
  t.like(answer.body.waitingOn, [{ branch: 1, op: 'confirm', dueAt: null, lastError: 'gone' }]);
});

test('looking at a transaction can wait for its end', async (t) => {
  let finish: (() => void) | undefined;
  const { post, get } = await startServing(t, {
    answer: () => new Promise((resolve) => (finish = () => resolve({ kind: 'done', output: 1 }))),
  });
  await post('/v1/transactions', { ...planOf('a'), xid: 'x1' });
  const looking = get('/v1/transactions/x1', { prefer: 'wait=30' });
  while (!finish) await new Promise((resolve) => setImmediate(resolve));
  finish();
  const answer = await looking;
  t.is(answer.status, 200);
  t.like(answer.body, { status: 'committed', result: { a: 1 } });
});
