/** N1-N5: what people do about a transaction that is stuck, and what is told of how it really ended. */
import test, { type ExecutionContext } from 'ava';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { type Serving, startServing } from './serving.js';

type Op = Command['body']['op'];
const done: Reply = { kind: 'done', output: null };

/** Two branches of TCC; `refuse` names the ops that are refused, by branch id. */
async function start(t: ExecutionContext, refuse: Readonly<Record<string, readonly Op[]>>, env = {}): Promise<Serving> {
  const answer = ({ body: { id, op } }: Command): Reply =>
    refuse[id]?.includes(op) ? { kind: 'refused', reason: 'decided alone' } : done;
  return startServing(t, { answer, env });
}

const steps = ['a', 'b'].map((id) => ({ id, kind: 'tcc', url: `http://127.0.0.1:9/${id}` }));
const wait = { prefer: 'wait=10' };
const submit = (serving: Serving, more: object[] = []) =>
  serving.post('/v1/transactions', { name: 'x', xid: 'x1', steps: [...steps, ...more] }, wait);
const resolve = (serving: Serving, ...branches: object[]) =>
  serving.post('/v1/transactions/x1/resolve', { branches: branches.map((each) => ({ reason: 'seen', ...each })) });

test('N1 mixed: one branch committed, the other did not, and each says which', async (t) => {
  const serving = await start(t, { b: ['confirm'] });
  t.like((await submit(serving)).body, { status: 'parked', decision: 'commit' });
  const { body } = await resolve(serving, { branch: 2, as: 'skipped' });
  t.like(body, { status: 'resolved', decision: 'commit', heuristic: 'mixed' });
  t.deepEqual(
    body.branches.map(({ status }: { status: string }) => status),
    ['committed', 'skipped'],
  );
});

test('N1 all committed and all rolled back are told apart from mixed', async (t) => {
  const committed = await start(t, { a: ['confirm'], b: ['confirm'] });
  await submit(committed);
  t.is((await resolve(committed, { branch: 1, as: 'done' }, { branch: 2, as: 'done' })).body.heuristic, 'committed');
  const skipped = await start(t, { a: ['confirm'], b: ['confirm'] });
  await submit(skipped);
  const both = await resolve(skipped, { branch: 1, as: 'skipped' }, { branch: 2, as: 'skipped' });
  // Commit was decided, and nothing of it took effect.
  t.like(both.body, { decision: 'commit', heuristic: 'rolled_back' });
  const undone = await start(t, { a: ['cancel'], c: ['try'] });
  await submit(undone, [{ id: 'c', kind: 'tcc', url: 'http://127.0.0.1:9/c' }]);
  t.like((await resolve(undone, { branch: 1, as: 'done' })).body, { decision: 'rollback', heuristic: 'rolled_back' });
});

test('N1 an undo that was skipped leaves its effect: mixed', async (t) => {
  const serving = await start(t, { a: ['cancel'], c: ['try'] });
  await submit(serving, [{ id: 'c', kind: 'tcc', url: 'http://127.0.0.1:9/c' }]);
  const { body } = await resolve(serving, { branch: 1, as: 'skipped' });
  t.like(body, { status: 'resolved', decision: 'rollback', heuristic: 'mixed' });
});

test('N1 unknown: nobody knows whether the forward op of a skipped undo took effect', async (t) => {
  const answer = ({ body: { op } }: Command): Reply =>
    op === 'try' ? { kind: 'unknown', error: 'silence' } : { kind: 'refused', reason: 'no' };
  const serving = await startServing(t, { answer });
  const step = { ...steps[0], retry: { attemptsMax: 1 }, timeoutMs: 100 };
  await serving.post('/v1/transactions', { name: 'x', xid: 'x1', steps: [step] }, wait);
  let answered = await resolve(serving, { branch: 1, as: 'skipped' });
  while (answered.body.code === 'command_in_flight') answered = await resolve(serving, { branch: 1, as: 'skipped' });
  t.like(answered.body, { status: 'resolved', decision: 'rollback', heuristic: 'unknown' });
});

test('N2 forcing an outcome takes a role, a reason in words, and a branch that parked', async (t) => {
  const keys = { CONCORDAT_API_KEYS: 'kim:operator:k1,app:client:k2' };
  const serving = await start(t, { b: ['confirm'] }, keys);
  const as = (key: string) => ({ authorization: `Bearer ${key}` });
  const post = (key: string, branch: object) =>
    serving.post('/v1/transactions/x1/resolve', { branches: [branch] }, as(key));
  await serving.post('/v1/transactions', { name: 'x', xid: 'x1', steps }, { ...wait, ...as('k2') });
  t.is((await post('k2', { branch: 2, as: 'done', reason: 'seen' })).body.code, 'forbidden');
  for (const reason of [undefined, '', ' ', '\n\t']) {
    t.is((await post('k1', { branch: 2, as: 'done', reason })).body.code, 'invalid_request', JSON.stringify(reason));
  }
  t.is((await post('k1', { branch: 1, as: 'done', reason: 'seen' })).body.code, 'branch_not_parked');
  t.is((await serving.get('/v1/transactions/x1', as('k2'))).body.status, 'parked');
  t.is((await post('k1', { branch: 2, as: 'done', reason: 'seen' })).body.status, 'resolved');
});

test('N2 after an outcome was forced every other branch is still told', async (t) => {
  const serving = await start(t, { b: ['compensate'], c: ['action'] });
  const sagas = ['a', 'b', 'c'].map((id) => ({ id, kind: 'saga', url: `http://127.0.0.1:9/${id}` }));
  await serving.post('/v1/transactions', { name: 'x', xid: 'x1', steps: sagas }, wait);
  await resolve(serving, { branch: 2, as: 'done' });
  const { body } = await serving.get('/v1/transactions/x1', wait);
  t.like(body, { status: 'resolved', heuristic: 'rolled_back' });
  t.is(serving.sent.filter(({ body: { id, op } }) => id === 'a' && op === 'compensate').length, 1);
});

test('N2 where two persons are needed, the second of them decides, and both are recorded', async (t) => {
  const keys = { CONCORDAT_API_KEYS: 'kim:operator:k1,pat:admin:k2', CONCORDAT_TWO_PERSONS: 'true' };
  const serving = await start(t, { b: ['confirm'] }, keys);
  const as = (key: string) => ({ authorization: `Bearer ${key}` });
  await serving.post('/v1/transactions', { name: 'x', xid: 'x1', steps }, { ...wait, ...as('k2') });
  const body = { branches: [{ branch: 2, as: 'done', reason: 'seen' }] };
  const first = await serving.post('/v1/transactions/x1/resolve', body, as('k1'));
  t.is(first.status, 202);
  t.like(first.body, {
    status: 'parked',
    proposal: { by: 'kim', branches: [{ branch: 2, as: 'done', reason: 'seen' }] },
  });
  t.is((await serving.post('/v1/transactions/x1/resolve', body, as('k1'))).status, 202);
  const second = await serving.post('/v1/transactions/x1/resolve', body, as('k2'));
  t.is(second.status, 200);
  t.is(second.body.status, 'resolved');
  t.false('proposal' in second.body);
  const { items } = (await serving.get('/v1/audit', as('k1'))).body;
  t.deepEqual(
    items.map(({ by, action, detail }: Record<string, { proposedBy?: string }>) => [by, action, detail!.proposedBy]),
    [
      ['pat', 'resolve', 'kim'],
      ['kim', 'propose_resolve', undefined],
    ],
  );
});

test('N3 a retry of what parked is the same command under the next number', async (t) => {
  const serving = await start(t, { b: ['confirm'] });
  await submit(serving);
  await serving.post('/v1/transactions/x1/retry');
  await serving.get('/v1/transactions/x1', wait);
  const confirms = serving.sent.filter(({ body: { id, op } }) => id === 'b' && op === 'confirm');
  t.deepEqual(
    confirms.map(({ attempt }) => attempt),
    [1, 2],
  );
  t.deepEqual(confirms[0]!.body, confirms[1]!.body);
});

test('N4 what was resolved by hand says so, and nothing of it is ever run again', async (t) => {
  const serving = await start(t, { b: ['confirm'] });
  await submit(serving);
  await resolve(serving, { branch: 2, as: 'done' });
  const before = serving.sent.length;
  t.is((await serving.post('/v1/transactions/x1/retry')).body.code, 'transaction_finished');
  t.is((await submit(serving)).body.status, 'resolved');
  await serving.post('/v1/transactions/x1/commit');
  t.is((await serving.get('/v1/transactions/x1')).body.status, 'resolved');
  t.is(serving.sent.length, before);
});
