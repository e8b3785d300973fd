import test from 'ava';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import { type Serving, startServing } from './serving.js';

const plan = { name: 'x', xid: 'x1', steps: [{ id: 'a', kind: 'tcc', url: 'http://127.0.0.1:9/a' }] };

/** A transaction whose commit op is refused until `mend` is called. */
async function startParked(serving: Serving): Promise<void> {
  const answer = await serving.post('/v1/transactions', plan, { prefer: 'wait=10' });
  if (answer.body.status !== 'parked') throw new Error(`expected it parked, got ${answer.body.status}`);
}

const refusing = () => {
  const mood = { mended: false };
  const answer = ({ body }: { body: { op: string } }): Reply =>
    body.op === 'confirm' && !mood.mended ? { kind: 'refused', reason: 'gone' } : { kind: 'done', output: null };
  return { mood, answer };
};

test('retry moves what is parked', async (t) => {
  const { mood, answer } = refusing();
  const serving = await startServing(t, { answer });
  await startParked(serving);
  mood.mended = true;
  t.is((await serving.post('/v1/transactions/x1/retry')).status, 200);
  const end = await serving.get('/v1/transactions/x1', { prefer: 'wait=10' });
  t.is(end.body.status, 'committed');
  const log = await serving.get('/v1/transactions/x1/events');
  t.like(
    log.body.items.find(({ type }: { type: string }) => type === 'retried'),
    { by: 'anonymous' },
  );
});

test('resolve ends what is parked, in the name of who did it', async (t) => {
  const serving = await startServing(t, {
    answer: refusing().answer,
    env: { CONCORDAT_API_KEYS: 'kim:operator:k1,app:client:k2' },
  });
  const as = (key: string) => ({ authorization: `Bearer ${key}` });
  await serving.post('/v1/transactions', plan, { prefer: 'wait=10', ...as('k2') });
  const body = { branches: [{ branch: 1, as: 'done', reason: 'confirmed by hand' }] };
  t.is((await serving.post('/v1/transactions/x1/resolve', body, as('k2'))).status, 403);
  const answer = await serving.post('/v1/transactions/x1/resolve', body, as('k1'));
  t.is(answer.status, 200);
  t.like(answer.body, { status: 'resolved', decision: 'commit', waitingOn: [] });
  const log = await serving.get('/v1/transactions/x1/events', as('k1'));
  t.like(
    log.body.items.find(({ type }: { type: string }) => type === 'branch_resolved'),
    { by: 'kim', reason: 'confirmed by hand' },
  );
  const again = await serving.post('/v1/transactions/x1/resolve', body, as('k1'));
  t.is(again.status, 409);
  t.is(again.body.code, 'transaction_finished');
});

test('only a parked branch can be resolved, each once, and not yet by force', async (t) => {
  const serving = await startServing(t, { answer: refusing().answer });
  await startParked(serving);
  const resolve = (...branches: object[]) => serving.post('/v1/transactions/x1/resolve', { branches });
  const skip = { as: 'skipped', reason: 'x' };
  t.is((await resolve({ branch: 2, ...skip })).body.code, 'branch_not_found');
  t.is((await resolve({ branch: 1, ...skip }, { branch: 1, ...skip })).body.code, 'invalid_request');
  t.is((await resolve({ branch: 1, ...skip, output: 1 })).body.code, 'invalid_request');
  t.is((await resolve({ branch: 1, as: 'forced', reason: 'x' })).status, 501);
  t.is((await serving.get('/v1/transactions/x1')).body.status, 'parked');
});
