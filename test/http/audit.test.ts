/** I15: whatever an operator does is recorded once, with its effect, and nothing else is. */
import test, { type ExecutionContext } from 'ava';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import { armed } from '../../coordinator/faults/armed.js';
import { type Serving, startServing } from './serving.js';

const env = { CONCORDAT_API_KEYS: 'kim:operator:k1,app:client:k2,root:admin:k3' };
const as = (key: string, requestId = 'r1') => ({ authorization: `Bearer ${key}`, 'x-request-id': requestId });
const plan = { name: 'x', xid: 'x1', steps: [{ id: 'a', kind: 'tcc', url: 'http://127.0.0.1:9/a' }] };
const byHand = { branches: [{ branch: 1, as: 'done', output: { card: 'payload-4711' }, reason: 'by phone' }] };

async function startParked(t: ExecutionContext) {
  const mood = { mended: false };
  const answer = ({ body }: { body: { op: string } }): Reply =>
    body.op === 'confirm' && !mood.mended ? { kind: 'refused', reason: 'gone' } : { kind: 'done', output: null };
  const serving = await startServing(t, { answer, env });
  const opened = await serving.post('/v1/transactions', plan, { prefer: 'wait=10', ...as('k2') });
  t.is(opened.body.status, 'parked');
  return { serving, mood };
}

const audit = async (serving: Serving, query = '') =>
  (await serving.get(`/v1/audit${query}`, as('k1'))).body.items as readonly Record<string, unknown>[];

test('I15 a retry and a resolution are each recorded once, with who, why and by which request', async (t) => {
  const { serving } = await startParked(t);
  await serving.post('/v1/transactions/x1/retry', undefined, as('k3', 'req-retry'));
  await serving.get('/v1/transactions/x1', { prefer: 'wait=10', ...as('k2') });
  t.is((await serving.post('/v1/transactions/x1/resolve', byHand, as('k1', 'req-resolve'))).status, 200);
  const [resolved, retried, ...more] = await audit(serving);
  t.deepEqual(more, []);
  t.like(retried, { by: 'root', role: 'admin', action: 'retry', xid: 'x1', requestId: 'req-retry', detail: {} });
  t.like(resolved, { by: 'kim', role: 'operator', action: 'resolve', xid: 'x1', requestId: 'req-resolve' });
  t.deepEqual(resolved!.detail, { branches: [{ branch: 1, as: 'done', reason: 'by phone' }] });
  t.regex(String(resolved!.at), /^\d{4}-.*Z$/);
});

test('I15 without effect there is no record: refusals, repeats and what is over', async (t) => {
  const { serving } = await startParked(t);
  const resolve = (body: object, key = 'k1') => serving.post('/v1/transactions/x1/resolve', body, as(key));
  t.is((await resolve({ branches: [{ ...byHand.branches[0], branch: 2 }] })).status, 404);
  t.is((await resolve({ branches: [{ branch: 1, as: 'done' }] })).status, 400);
  t.is((await resolve(byHand, 'k2')).status, 403);
  t.is((await resolve(byHand, 'wrong')).status, 401);
  t.deepEqual(await audit(serving), []);
  await resolve(byHand);
  t.is((await resolve(byHand)).body.code, 'transaction_finished');
  t.is((await serving.post('/v1/transactions/x1/retry', undefined, as('k1'))).status, 409);
  t.is((await audit(serving)).length, 1);
});

test('I15 a decision is the initiator’s own, and recorded when it is made with the key of an operator', async (t) => {
  const serving = await startServing(t, { env });
  const decide = async (xid: string, path: string, key: string, body?: object) => {
    await serving.post('/v1/transactions', { name: 'x', xid }, as('k2'));
    t.is((await serving.post(`/v1/transactions/${xid}/${path}`, body, as(key))).status, 200, path);
  };
  await decide('x1', 'rollback', 'k2');
  await decide('x2', 'commit', 'k2');
  await decide('x3', 'rollback-only', 'k2');
  t.deepEqual(await audit(serving), []);
  await decide('x4', 'rollback', 'k1', { reason: 'stuck' });
  await decide('x5', 'commit', 'k3');
  await decide('x6', 'rollback-only', 'k1');
  await serving.post('/v1/transactions/x4/rollback', undefined, as('k1'));
  t.deepEqual(
    (await audit(serving)).map(({ xid, by, action, detail }) => [xid, by, action, detail]),
    [
      ['x6', 'kim', 'rollback_only', { reason: 'marked rollback-only by kim' }],
      ['x5', 'root', 'commit', {}],
      ['x4', 'kim', 'rollback', { reason: 'stuck' }],
    ],
  );
});

test('I15 a participant that is paused or limited is recorded, and one that stays as it is is not', async (t) => {
  const serving = await startServing(t, { env });
  const put = (body: object) =>
    serving.request('/v1/participants/stock', {
      method: 'PUT',
      headers: { 'content-type': 'application/json', ...as('k1', 'req-put') },
      body: JSON.stringify(body),
    });
  t.is((await put({ paused: true })).status, 200);
  t.is((await put({ paused: true })).status, 200);
  t.is((await put({ paused: 'yes' })).status, 400);
  const items = await audit(serving, '?participant=stock');
  t.is(items.length, 1);
  t.like(items[0], { by: 'kim', action: 'change_participant', participant: 'stock', xid: null, requestId: 'req-put' });
});

test('the audit is for operators, has filters and pages, and refuses what it does not know', async (t) => {
  const { serving } = await startParked(t);
  for (const key of ['k1', 'k3', 'k1']) {
    await serving.post('/v1/transactions/x1/retry', undefined, as(key));
    await serving.get('/v1/transactions/x1', { prefer: 'wait=10', ...as('k2') });
  }
  t.is((await serving.get('/v1/audit', as('k2'))).status, 403);
  t.is((await audit(serving, '?by=kim')).length, 2);
  t.is((await audit(serving, '?xid=x1')).length, 3);
  t.is((await audit(serving, '?xid=x2')).length, 0);
  const first = await serving.get('/v1/audit?limit=2', as('k1'));
  const second = await serving.get(`/v1/audit?limit=2&cursor=${first.body.nextCursor}`, as('k1'));
  t.is(second.body.nextCursor, null);
  const positions = [...first.body.items, ...second.body.items].map(({ position }) => position);
  t.deepEqual(
    positions,
    [...positions].sort((one, other) => other - one),
  );
  t.is(positions.length, 3);
  for (const wrong of ['?limit=0', '?limit=501', '?cursor=nonsense', '?who=kim', '?by=a&by=b']) {
    t.is((await serving.get(`/v1/audit${wrong}`, as('k1'))).body.code, 'invalid_request', wrong);
  }
});

test.serial('planted act-without-a-record: the tests above see it', async (t) => {
  t.teardown(() => armed.planted.delete('act-without-a-record'));
  armed.planted.add('act-without-a-record');
  const { serving } = await startParked(t);
  await serving.post('/v1/transactions/x1/resolve', byHand, as('k1'));
  t.deepEqual(await audit(serving), []);
});
