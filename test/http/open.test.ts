import test from 'ava';
import { armed } from '../../coordinator/faults/armed.js';
import { planOf, startServing } from './serving.js';

test('E1 the same id and the same body again is one transaction and the same answer', async (t) => {
  const { post, stored, sent } = await startServing(t);
  const plan = { ...planOf('a', 'b'), xid: 'order-1' };
  const first = await post('/v1/transactions', plan, { prefer: 'wait=10' });
  const again = await post('/v1/transactions', { ...plan, steps: [...plan.steps] }, { prefer: 'wait=10' });
  t.is(first.status, 201);
  t.is(again.status, 200);
  t.is(first.body.status, 'committed');
  t.deepEqual(again.body, first.body);
  t.is(first.headers.get('location'), '/v1/transactions/order-1');
  t.is(await stored(), 1);
  t.is(sent.length, 2);
});

test('E2 the same id with another body is a conflict, and the first stays as it was', async (t) => {
  const { post, get, stored } = await startServing(t);
  const plan = { ...planOf('a'), xid: 'order-1' };
  await post('/v1/transactions', plan, { prefer: 'wait=10' });
  const before = await get('/v1/transactions/order-1');
  for (const other of [
    { ...plan, name: 'other' },
    { ...planOf('b'), xid: 'order-1' },
    { name: 'checkout', xid: 'order-1' },
  ]) {
    const answer = await post('/v1/transactions', other);
    t.is(answer.status, 409);
    t.is(answer.body.code, 'xid_conflict');
  }
  t.deepEqual((await get('/v1/transactions/order-1')).body, before.body);
  t.is(await stored(), 1);
});

test.serial('E2 without the look at the body, another one passes for a repeat', async (t) => {
  armed.planted.add('ignore-body-on-resubmit');
  t.teardown(() => armed.planted.delete('ignore-body-on-resubmit'));
  const { post } = await startServing(t);
  await post('/v1/transactions', { ...planOf('a'), xid: 'order-1' });
  t.is((await post('/v1/transactions', { ...planOf('b'), xid: 'order-1' })).status, 200);
});

test('E1 the same id submitted many times at once is one transaction', async (t) => {
  const { post, stored, sent } = await startServing(t);
  const plan = { ...planOf('a', 'b'), xid: 'order-1' };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => post('/v1/transactions', plan, { prefer: 'wait=10' })),
  );
  t.is(answers.filter(({ status }) => status === 201).length, 1);
  t.is(answers.filter(({ status }) => status === 200).length, 19);
  t.is(await stored(), 1);
  t.is(sent.length, 2);
});
