import { Validator } from '@seriousme/openapi-schema-validator';
import test from 'ava';
import { legality } from '../../coordinator/decide/legality.js';
import { codesOf } from '../../coordinator/http/describe/failures.js';
import { routes } from '../../coordinator/http/routes.js';
import { errors } from '../../sdk/protocol/errors.js';
import { judging } from './described.js';
import { operationsOf, resolver } from './drawn.js';
import { startServing } from './serving.js';

test('openapi.json is a valid OpenAPI 3.1 document, and needs no key', async (t) => {
  const { get } = await startServing(t, { env: { CONCORDAT_API_KEYS: 'one:viewer:key-1' } });
  const { status, body } = await get('/openapi.json');
  t.is(status, 200);
  t.like(body, { openapi: '3.1.1', info: { title: 'Concordat', version: '1' } });
  const { valid, errors: findings } = await new Validator().validate(body);
  t.true(valid, JSON.stringify(findings));
});

test('it has every route that is available, and no other', async (t) => {
  const { get, request } = await startServing(t, { metrics: true });
  const { body } = await get('/openapi.json');
  const described = operationsOf(body).map(({ method, path, role }) => `${method} ${path} ${role}`);
  const available = routes.filter(({ describe }) => describe !== null);
  t.deepEqual(
    described.sort(),
    available.map(({ method, path, access }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')} ${access}`).sort(),
  );
  for (const { method, path } of available.filter((route) => route.path !== '/v1/stream')) {
    const answer = await request(path.replace(/:\w+/g, '1'), { method });
    t.not(answer.status, 501, `${method} ${path}`);
  }
});

test('every route says who may use it, what it is for and what it answers', (t) => {
  const names = new Set<string>();
  for (const { method, path, access, body, describe } of routes) {
    const route = `${method} ${path}`;
    t.true(['none', 'token', 'viewer', 'client', 'operator', 'admin'].includes(access), route);
    t.not(describe, undefined, `${route} has no description`);
    if (!describe) continue;
    t.regex(describe.name, /^[a-z][A-Za-z]+$/, route);
    t.false(names.has(describe.name), `${route}: ${describe.name} is another one's name`);
    names.add(describe.name);
    t.regex(describe.summary, /^[A-Z].{5,}[^.]$/, route);
    t.true(Object.keys(describe.answers).length > 0, route);
    t.is(describe.request === undefined, body === 'none', `${route} has a body, or has none, and says otherwise`);
  }
});

test('every reference of the document leads somewhere, and nothing lies there unused', async (t) => {
  const { get } = await startServing(t);
  const { body } = await get('/openapi.json');
  const resolve = resolver(body);
  const text = JSON.stringify(body);
  const refs = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref = '']) => ref));
  for (const ref of refs) t.is(typeof resolve({ $ref: ref }), 'object', ref);
  for (const kind of ['schemas', 'responses', 'headers', 'parameters'])
    for (const name of Object.keys(body.components[kind])) t.true(refs.has(`#/components/${kind}/${name}`), name);
});

test('every code of the catalogue is told by some operation, except of what is no operation', async (t) => {
  const { get } = await startServing(t);
  const { body } = await get('/openapi.json');
  const told = new Set(Object.keys(body.components.responses).flatMap((name) => name.split('.')));
  const none = ['route_not_found', 'method_not_allowed'];
  t.deepEqual(
    Object.keys(errors).filter((code) => !told.has(code)),
    none,
  );
});

test('what the mind may refuse is told by the operation that asks it', (t) => {
  const inputs = {
    openTransaction: 'open',
    addBranch: 'add_branch',
    commit: 'commit',
    rollback: 'rollback',
    markRollbackOnly: 'rollback_only',
    takeOutcome: 'outcome',
    retry: 'retry',
    resolve: 'resolve',
  } as const;
  for (const [name, input] of Object.entries(inputs)) {
    const route = routes.find(({ describe }) => describe?.name === name);
    const told = route ? codesOf(route) : [];
    for (const cell of Object.values(legality[input]))
      if (typeof cell === 'object') t.true(told.includes(cell.refuse), `${name} does not tell ${cell.refuse}`);
    t.true(told.length > 5, name);
  }
});

test('what a document does not say is found in an answer', async (t) => {
  const { get } = await startServing(t);
  const judge = judging((await get('/openapi.json')).body);
  const headers = new Headers({ 'x-request-id': '1', 'content-type': 'application/json' });
  const finding = (status: number, body: object, more: Headers = headers): string | undefined =>
    judge.findings('alive', { status, headers: more, text: JSON.stringify(body) })[0];
  t.is(finding(200, { status: 'alive' }), undefined);
  t.regex(finding(200, { status: 'dead' }) ?? '', /must be equal to one of the allowed values/);
  t.regex(finding(200, { status: 'alive', mood: 'good' }) ?? '', /must NOT have additional properties/);
  t.regex(finding(201, { status: 'alive' }) ?? '', /^status 201 is not described/);
  t.is(
    finding(200, { status: 'alive' }, new Headers({ 'content-type': 'application/json' })),
    '200 without x-request-id',
  );
  t.is(
    finding(200, {}, new Headers({ 'x-request-id': '1', 'content-type': 'text/html' })),
    '200 of media type text/html is not described',
  );
  const problem = { type: 'x', title: 'x', detail: 'x', retryable: false };
  const wrongCode = judge.findings('getTransaction', {
    status: 404,
    headers: new Headers({ 'x-request-id': '1', 'content-type': 'application/problem+json' }),
    text: JSON.stringify({ ...problem, status: 404, code: 'branch_not_found' }),
  });
  t.regex(wrongCode[0] ?? '', /must be equal to one of the allowed values/);
});
