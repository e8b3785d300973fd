/** Who may do what, written down once more by hand: a change of it in the table of routes must be meant. */
import test, { type ExecutionContext } from 'ava';
import { routes } from '../../coordinator/http/routes.js';
import { type Serving, startServing } from './serving.js';

/** As the documentation has it. */
const expected: Readonly<Record<string, 'nobody' | 'token' | 'viewer' | 'client' | 'operator' | 'admin'>> = {
  'POST /v1/transactions': 'client',
  'GET /v1/transactions': 'viewer',
  'GET /v1/transactions/:xid': 'viewer',
  'GET /v1/transactions/:xid/events': 'viewer',
  'POST /v1/transactions/:xid/branches': 'client',
  'POST /v1/transactions/:xid/commit': 'client',
  'POST /v1/transactions/:xid/rollback': 'client',
  'POST /v1/transactions/:xid/rollback-only': 'client',
  'POST /v1/transactions/:xid/branches/:n/outcome': 'token',
  'POST /v1/transactions/:xid/branches/:n/locks': 'token',
  'GET /v1/locks': 'viewer',
  'POST /v1/locks/check': 'client',
  'POST /v1/transactions/:xid/retry': 'operator',
  'POST /v1/transactions/:xid/resolve': 'operator',
  'PUT /v1/participants/:name/instances/:id': 'client',
  'DELETE /v1/participants/:name/instances/:id': 'client',
  'GET /v1/participants': 'viewer',
  'PUT /v1/participants/:name': 'operator',
  'GET /v1/stats': 'viewer',
  'GET /v1/stream': 'viewer',
  'GET /v1/audit': 'operator',
  'GET /healthz': 'nobody',
  'GET /readyz': 'nobody',
  'GET /metrics': 'nobody',
  'GET /openapi.json': 'nobody',
  'GET /': 'viewer',
};

/** What each caller counts for; `some` is a client that may register one participant. */
const callers: Readonly<Record<string, readonly string[]>> = {
  'no key': [],
  'a wrong key': [],
  viewer: ['viewer'],
  client: ['viewer', 'client'],
  some: ['viewer', 'client'],
  operator: ['viewer', 'client', 'operator'],
  admin: ['viewer', 'client', 'operator', 'admin'],
};

const env = {
  CONCORDAT_API_KEYS: [
    ...['viewer', 'client', 'operator', 'admin'].map((role) => `${role}-key:${role}:key-of-${role}`),
    'some-key:client/stock:key-of-some',
  ].join(','),
};

const keyOf = (caller: string): Record<string, string> =>
  caller === 'no key'
    ? {}
    : { authorization: `Bearer ${caller === 'a wrong key' ? 'key-of-nobody' : `key-of-${caller}`}` };

const pathOf = (path: string, participant: string): string => {
  const values: Readonly<Record<string, string>> = { xid: 'x1', n: '1', name: participant, id: 'one' };
  return path.replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? '');
};

/** A stream has no end: what matters is how it begins. */
async function statusOf(
  { url }: Serving,
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<number> {
  const isBodied = method === 'POST' || method === 'PUT';
  const response = await fetch(url + path, {
    method,
    headers: { ...headers, ...(isBodied && { 'content-type': 'application/json' }) },
    body: isBodied ? '[]' : null,
  });
  await response.body?.cancel();
  return response.status;
}

test('every route of the table has its rule here, and every rule its route', (t) => {
  t.deepEqual(routes.map(({ method, path }) => `${method} ${path}`).sort(), Object.keys(expected).sort());
});

for (const [name, needed] of Object.entries(expected)) {
  const [method = '', path = ''] = name.split(' ');
  if (needed === 'nobody') test(`${name} needs no key`, (t) => lets(t, method, path, () => true));
  else if (needed === 'token')
    test(`${name} needs the token of a command, which no key is`, (t) => needsToken(t, path));
  else test(`${name} needs the role ${needed}`, (t) => lets(t, method, path, (roles) => roles.includes(needed)));
}

async function lets(
  t: ExecutionContext,
  method: string,
  path: string,
  isLetIn: (roles: readonly string[]) => boolean,
): Promise<void> {
  const serving = await startServing(t, { env });
  for (const [caller, roles] of Object.entries(callers)) {
    const status = await statusOf(serving, method, pathOf(path, 'stock'), keyOf(caller));
    const name = `${caller}: ${status}`;
    if (isLetIn(roles)) t.false(status === 401 || status === 403, name);
    else t.is(status, roles.length === 0 ? 401 : 403, name);
  }
}

async function needsToken(t: ExecutionContext, path: string): Promise<void> {
  const serving = await startServing(t, { env });
  const body = { op: 'action', outcome: 'done' };
  await serving.post('/v1/transactions', { name: 'order', xid: 'x1' }, keyOf('client'));
  for (const caller of Object.keys(callers)) {
    const answer = await serving.post(pathOf(path, 'stock'), body, keyOf(caller));
    // What is not there yet is there for nobody.
    t.true(['token_invalid', 'not_available'].includes(answer.body.code), `${caller}: ${answer.body.code}`);
  }
}

test('a key that names participants registers those and no other, and is else like any of its role', async (t) => {
  const serving = await startServing(t, { env });
  for (const { method, path } of routes.filter((route) => route.path.includes(':name/instances'))) {
    for (const [caller, isLetIn] of [
      ['some', false],
      ['client', true],
      ['operator', true],
    ] as const) {
      const status = await statusOf(serving, method, pathOf(path, 'payment'), keyOf(caller));
      t.is(status === 403, !isLetIn, `${method} as ${caller}: ${status}`);
      t.not(await statusOf(serving, method, pathOf(path, 'stock'), keyOf(caller)), 403, `${method} as ${caller}`);
    }
  }
});
