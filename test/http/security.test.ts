import { request as httpRequest } from 'node:http';
import test from 'ava';
import { loadConfig } from '../../coordinator/config.js';
import { planOf, type Serving, startServing } from './serving.js';

const ranks = ['viewer', 'client', 'operator', 'admin'];
const keys = { CONCORDAT_API_KEYS: ranks.map((role) => `${role}-key:${role}:secret-of-the-${role}`).join(',') };
const bearer = (role: string) => ({ authorization: `Bearer secret-of-the-${role}` });

/** A request with headers that fetch would not let through. */
const raw = (url: string, headers: Record<string, string>, method = 'GET'): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject);
    request.end();
  });

test('what is no bearer key is none, and the answer says what is needed', async (t) => {
  const { get } = await startServing(t, { env: keys });
  for (const authorization of [
    'Bearer wrong',
    'Basic c2VjcmV0',
    'Bearer',
    'secret-of-the-admin',
    'Bearer secret-of-the-admin x',
  ]) {
    const answer = await get('/v1/transactions', { authorization });
    t.is(answer.status, 401, authorization);
    t.is(answer.headers.get('www-authenticate'), 'Bearer realm="concordat"', authorization);
  }
  t.is((await get('/v1/transactions', { authorization: 'bearer  secret-of-the-viewer' })).status, 200);
});

test('a key is looked at before the body', async (t) => {
  const { post, stored } = await startServing(t, { env: keys });
  t.is((await post('/v1/transactions', '{"broken')).status, 401);
  t.is((await post('/v1/transactions', planOf('a'), bearer('viewer'))).status, 403);
  t.is(await stored(), 0);
});

test('the name of the key is in the log, the key is nowhere', async (t) => {
  const { post, get } = await startServing(t, { env: keys, answer: () => new Promise(() => undefined) });
  const { body } = await post('/v1/transactions', planOf('a'), bearer('client'));
  const answer = await post(`/v1/transactions/${body.xid}/rollback`, undefined, bearer('client'));
  t.is(answer.body.reason, 'rolled back by client-key');
  const log = await get(`/v1/transactions/${body.xid}/events`, bearer('viewer'));
  t.false(JSON.stringify(log.body).includes('secret-of'));
});

test('without keys only names that cannot be rebound lead in', async (t) => {
  const { url } = await startServing(t);
  const port = new URL(url).port;
  for (const host of [
    'localhost',
    `localhost:${port}`,
    '127.0.0.1',
    `127.0.0.1:${port}`,
    '[::1]:80',
    'LOCALHOST.',
    'a.localhost',
  ]) {
    t.is(await raw(`${url}/healthz`, { host }), 200, host);
  }
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '[evil]',
  ]) {
    t.is(await raw(`${url}/healthz`, { host }), 421, host);
  }
});

test('with keys any name leads in', async (t) => {
  const { url } = await startServing(t, { env: keys });
  t.is(await raw(`${url}/healthz`, { host: 'concordat.example' }), 200);
});

test('without keys no other web page can post', async (t) => {
  const { url, request } = await startServing(t);
  const path = `${url}/v1/transactions/x/rollback`;
  t.is(await raw(path, { origin: 'http://evil.example' }, 'POST'), 403);
  t.is(await raw(path, { origin: 'null' }, 'POST'), 403);
  t.is(await raw(path, { origin: url }, 'POST'), 404);
  // What a form can send without asking first.
  const form = await request('/v1/transactions', {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: '{"name":"x"}',
  });
  t.is(form.status, 415);
});

test('nobody listens beyond loopback without keys, unless told to be insecure', (t) => {
  const load = (listen: string, env: Record<string, string> = {}, flags: Record<string, string> = {}) =>
    loadConfig({ flags: { listen, ...flags }, env, directory: '/nonexistent' });
  for (const wide of ['0.0.0.0:1', '[::]:1', '192.168.1.5:1', 'example.com:1', '127.evil.example:1']) {
    t.throws(() => load(wide), { message: /^listen \(--listen\): expected a loopback address, .* got "/ }, wide);
    t.notThrows(() => load(wide, keys), wide);
    t.notThrows(() => load(wide, {}, { insecure: 'true' }), wide);
  }
  for (const near of ['127.0.0.1:1', '127.1.2.3:1', '[::1]:1', 'localhost:1']) t.notThrows(() => load(near), near);
});

const outcome = (
  serving: Serving,
  token: Record<string, string>,
  body: object = { op: 'action', outcome: 'done', output: 7 },
) => serving.post('/v1/transactions/x1/branches/1/outcome', body, token);

test('a late outcome is believed with the token of its command, and only then', async (t) => {
  const { tokenFor } = await import('../../coordinator/dispatch/token.js');
  const serving = await startServing(t, { env: keys, answer: () => new Promise(() => undefined) });
  await serving.post('/v1/transactions', { ...planOf('a'), xid: 'x1' }, bearer('client'));
  const { tokenKey } = serving.store.identity;
  const token = tokenFor(tokenKey, 'x1', 1, 'action');
  for (const wrong of [
    {},
    { 'concordat-token': 'x' },
    bearer('admin'),
    { 'concordat-token': tokenFor(tokenKey, 'x1', 1, 'compensate') },
  ]) {
    const answer = await outcome(serving, wrong as Record<string, string>);
    t.is(answer.status, 403);
    t.is(answer.body.code, 'token_invalid');
  }
  const taken = await outcome(serving, { 'concordat-token': token });
  t.is(taken.status, 200);
  t.like(taken.body, { status: 'committed', output: 7 });
  // E6 A repeat is fine, a contradiction is a conflict.
  t.is((await outcome(serving, { authorization: `Bearer ${token}` })).status, 200);
  const other = await outcome(
    serving,
    { 'concordat-token': token },
    { op: 'action', outcome: 'refused', reason: 'no' },
  );
  t.is(other.status, 409);
  t.is(other.body.code, 'outcome_contradicts');
});

test('no line of the log holds a payload, a key or a query', async (t) => {
  const lines: string[] = [];
  const note = (fields: object, message: string) => void lines.push(JSON.stringify(fields) + message);
  const { post, get } = await startServing(t, {
    env: keys,
    log: { info: note, warn: note, error: note },
    changeStore: (store) => ({
      ...store,
      append: () => Promise.reject(new Error('broken on purpose')),
      list: () => Promise.reject(new Error('no')),
    }),
  });
  const answer = await post('/v1/transactions', { ...planOf('a'), metadata: { card: '4111' } }, bearer('client'));
  t.is(answer.status, 500);
  t.false(JSON.stringify(answer.body).includes('on purpose'));
  t.is((await get('/v1/transactions?businessKey=iban-1', bearer('viewer'))).status, 500);
  const text = lines.join('\n');
  t.true(text.includes(answer.headers.get('x-request-id') ?? 'no id'));
  for (const secret of ['4111', 'secret-of', 'iban-1']) t.false(text.includes(secret), secret);
});
