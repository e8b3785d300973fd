import test from 'ava';
import { type Serving, startServing } from './serving.js';

const branch = (id: string, more: object = {}) => ({
  id,
  kind: 'tcc',
  url: `http://127.0.0.1:9/${id}`,
  input: { id },
  ...more,
});
const open = async ({ post }: Serving, more: object = {}): Promise<string> =>
  (await post('/v1/transactions', { name: 'checkout', xid: 'x1', ...more })).body.xid;

test('a branch is answered with its outcome: 201 the first time, 200 again, 409 with another body', async (t) => {
  const serving = await startServing(t);
  const xid = await open(serving);
  const path = `/v1/transactions/${xid}/branches`;
  const first = await serving.post(path, branch('a'));
  t.is(first.status, 201);
  t.like(first.body, {
    branch: 1,
    id: 'a',
    kind: 'tcc',
    status: 'done',
    output: { ok: 'a' },
    attempts: 1,
    lastError: null,
  });
  const again = await serving.post(path, branch('a'));
  t.is(again.status, 200);
  t.deepEqual(again.body, first.body);
  const other = await serving.post(path, branch('a', { input: 1 }));
  t.is(other.status, 409);
  t.is(other.body.code, 'branch_conflict');
  t.is(serving.sent.length, 1);
});

test('a refused branch does not decide: another provider can be tried, and the commit stands', async (t) => {
  const serving = await startServing(t, {
    answer: ({ body }) => (body.id === 'a' ? { kind: 'refused', reason: 'no funds' } : { kind: 'done', output: 1 }),
  });
  const xid = await open(serving);
  const refused = await serving.post(`/v1/transactions/${xid}/branches`, branch('a'));
  t.is(refused.status, 201);
  t.like(refused.body, { status: 'refused', lastError: 'no funds' });
  await serving.post(`/v1/transactions/${xid}/branches`, branch('b'));
  const end = await serving.post(`/v1/transactions/${xid}/commit`, {}, { prefer: 'wait=10' });
  t.is(end.status, 200);
  t.like(end.body, { status: 'committed', decision: 'commit', result: { b: 1 } });
  t.deepEqual(
    end.body.branches.map(({ status }: { status: string }) => status),
    ['refused', 'committed'],
  );
});

test('a branch without an outcome by the end of the wait is answered with 202', async (t) => {
  const serving = await startServing(t, { answer: () => new Promise(() => undefined) });
  const xid = await open(serving);
  const answer = await serving.post(`/v1/transactions/${xid}/branches`, branch('a'), { prefer: 'wait=0' });
  t.is(answer.status, 202);
  t.like(answer.body, { status: 'running', attempts: 1 });
});

test('E6 a closing transaction takes no branch, and a decision has no opposite', async (t) => {
  const serving = await startServing(t);
  const xid = await open(serving);
  await serving.post(`/v1/transactions/${xid}/branches`, branch('a'));
  const committed = await serving.post(`/v1/transactions/${xid}/commit`);
  t.is(committed.status, 200);
  t.is(committed.body.decision, 'commit');
  t.is((await serving.post(`/v1/transactions/${xid}/commit`)).status, 200);
  const late = await serving.post(`/v1/transactions/${xid}/branches`, branch('b'));
  t.is(late.status, 409);
  t.is(late.body.code, 'transaction_not_active');
  const opposite = await serving.post(`/v1/transactions/${xid}/rollback`);
  t.is(opposite.status, 409);
  t.is(opposite.body.code, 'already_decided');
});

test('rollback-only turns a commit into a rollback', async (t) => {
  const serving = await startServing(t);
  const xid = await open(serving);
  await serving.post(`/v1/transactions/${xid}/branches`, branch('a'));
  const marked = await serving.post(`/v1/transactions/${xid}/rollback-only`, { reason: 'changed my mind' });
  t.is(marked.status, 200);
  t.is(marked.body.status, 'active');
  const end = await serving.post(`/v1/transactions/${xid}/commit`, {}, { prefer: 'wait=10' });
  t.is(end.status, 200);
  t.like(end.body, { status: 'rolled_back', reason: 'changed my mind' });
});

test('a plan is driven by the coordinator: it takes no branch and no commit, but a rollback', async (t) => {
  const serving = await startServing(t, {
    answer: ({ body }) => (body.op === 'action' ? new Promise(() => undefined) : { kind: 'done', output: null }),
  });
  const plan = {
    name: 'x',
    xid: 'x1',
    steps: [{ id: 'a', kind: 'saga', url: 'http://127.0.0.1:9/a', timeoutMs: 200 }],
  };
  await serving.post('/v1/transactions', plan);
  for (const [what, body] of [
    ['branches', branch('b')],
    ['commit', {}],
  ] as const) {
    const answer = await serving.post(`/v1/transactions/x1/${what}`, body);
    t.is(answer.status, 409, what);
    t.is(answer.body.code, 'driven_by_plan', what);
  }
  const rolledBack = await serving.post('/v1/transactions/x1/rollback', { reason: 'enough' });
  t.is(rolledBack.status, 200);
  t.like(rolledBack.body, { decision: 'rollback', reason: 'enough' });
});

test('E6 an ask transaction whose initiator has committed cannot be rolled back', async (t) => {
  const serving = await startServing(t, {
    answer: ({ body }) =>
      body.op === 'check' ? { kind: 'checked', answer: 'commit' } : { kind: 'done', output: null },
  });
  const xid = await open(serving, { onTimeout: 'ask', check: { url: 'http://127.0.0.1:9/c' } });
  const answer = await serving.post(`/v1/transactions/${xid}/rollback`);
  t.is(answer.status, 409);
  t.is(answer.body.code, 'already_decided');
  t.is((await serving.get(`/v1/transactions/${xid}`)).body.status, 'committed');
});

test('bad bodies of the smaller requests are refused where they stand', async (t) => {
  const serving = await startServing(t);
  const xid = await open(serving);
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['branches', branch('_a'), '/id'],
    ['branches', branch('a', { after: ['b'] }), '/after'],
    ['branches', branch('a', { pivot: true }), '/pivot'],
    ['branches', branch('a', { url: 'http://example.com/' }), '/url'],
    ['commit', { now: true }, '/now'],
    ['rollback', { reason: 7 }, '/reason'],
    ['rollback', { reason: '' }, '/reason'],
    ['rollback-only', { why: 'x' }, '/why'],
    ['retry', { all: true }, '/all'],
    ['resolve', { branches: [] }, '/branches'],
    ['resolve', { branches: [{ branch: 1, as: 'done' }] }, '/branches/0/reason'],
    ['resolve', { branches: [{ branch: 0, as: 'done', reason: 'x' }] }, '/branches/0/branch'],
    ['resolve', { branches: [{ branch: 1, as: 'gone', reason: 'x' }] }, '/branches/0/as'],
    ['branches/1/outcome', { op: 'action', outcome: 'pending' }, '/outcome'],
    ['branches/1/outcome', { op: 'check', outcome: 'done' }, '/op'],
  ];
  for (const [path, body, pointer] of cases) {
    const answer = await serving.post(`/v1/transactions/${xid}/${path}`, body);
    t.is(answer.status, 400, path + pointer);
    t.is(answer.body.errors[0].pointer, pointer);
  }
  t.is((await serving.get(`/v1/transactions/${xid}/events`)).body.items.length, 1);
});
