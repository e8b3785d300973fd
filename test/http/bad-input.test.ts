import test from 'ava';
import { planOf, startServing } from './serving.js';

const step = (id: string, more: object = {}) => ({ id, kind: 'saga', url: 'http://127.0.0.1:9/x', input: {}, ...more });
const plan = (...steps: readonly object[]) => ({ name: 'checkout', steps });
const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

/** What is sent, and where the first finding points. */
const flaws: Readonly<Record<string, { readonly body: unknown; readonly pointer: string }>> = {
  'no name': { body: { steps: [step('a')] }, pointer: '/name' },
  'a name of another type': { body: { ...planOf('a'), name: 7 }, pointer: '/name' },
  'an unknown field': { body: { ...planOf('a'), colour: 'red' }, pointer: '/colour' },
  'an unknown field of a step': { body: plan(step('a', { colour: 'red' })), pointer: '/steps/0/colour' },
  'an unknown field of retry': { body: plan(step('a', { retry: { times: 3 } })), pointer: '/steps/0/retry/times' },
  'a bad xid': { body: { ...planOf('a'), xid: '-a' }, pointer: '/xid' },
  'an xid that is too long': { body: { ...planOf('a'), xid: 'x'.repeat(65) }, pointer: '/xid' },
  'an xid with a line break at its end': { body: { ...planOf('a'), xid: 'x\n' }, pointer: '/xid' },
  'a name with control characters': { body: { ...planOf('a'), name: 'a\u001b[2J' }, pointer: '/name' },
  'no steps in a plan': { body: plan(), pointer: '/steps' },
  'a step that is null': { body: { name: 'x', steps: [null] }, pointer: '/steps/0' },
  'a body that is an array': { body: [], pointer: '' },
  'an id with a leading underscore': { body: plan(step('_a')), pointer: '/steps/0/id' },
  'duplicate ids': { body: plan(step('a'), step('b'), step('a')), pointer: '/steps/2/id' },
  'after a step that is not there': { body: plan(step('a', { after: ['z'] })), pointer: '/steps/0/after/0' },
  'a step after itself': { body: plan(step('a', { after: ['a'] })), pointer: '/steps/0/after/0' },
  'a cycle': {
    body: plan(step('a'), step('b', { after: ['a', 'c'] }), step('c', { after: ['b'] })),
    pointer: '/steps/1/after',
  },
  'a reference to a step that comes later': {
    body: plan(step('a', { input: { x: [{ $from: 'b.y' }] } }), step('b')),
    pointer: '/steps/0/input/x/0/$from',
  },
  'a reference to a step beside it': {
    body: plan(step('a'), step('b', { after: [], input: { $from: 'a' } })),
    pointer: '/steps/1/input/$from',
  },
  'a reference to itself': { body: plan(step('a', { input: { $from: 'a' } })), pointer: '/steps/0/input/$from' },
  'a reference to nothing': { body: plan(step('a', { input: { $from: 'z.y' } })), pointer: '/steps/0/input/$from' },
  'a reference that is no text': {
    body: plan(step('a'), step('b', { input: { $from: 7 } })),
    pointer: '/steps/1/input/$from',
  },
  'a reference to a message': {
    body: plan(step('a', { kind: 'message' }), step('b', { input: { $from: 'a' } })),
    pointer: '/steps/1/input/$from',
  },
  'two pivots': { body: plan(step('a', { pivot: true }), step('b', { pivot: true })), pointer: '/steps/1/pivot' },
  'a step beside the pivot': {
    body: plan(step('a', { pivot: true }), step('b', { after: [] })),
    pointer: '/steps/1/after',
  },
  'a pivot that is no boolean': { body: plan(step('a', { pivot: 'yes' })), pointer: '/steps/0/pivot' },
  'a message that is a pivot': { body: plan(step('a', { kind: 'message', pivot: true })), pointer: '/steps/0/pivot' },
  'a message with retry': {
    body: plan(step('a', { kind: 'message', retry: { attemptsMax: 1 } })),
    pointer: '/steps/0/retry',
  },
  'deliverAt on a saga': {
    body: plan(step('a', { deliverAt: '2030-01-01T00:00:00Z' })),
    pointer: '/steps/0/deliverAt',
  },
  'key on a saga': { body: plan(step('a', { key: 'k' })), pointer: '/steps/0/key' },
  'a deliverAt without a zone': {
    body: plan(step('a', { kind: 'message', deliverAt: '2030-01-01T00:00:00' })),
    pointer: '/steps/0/deliverAt',
  },
  'an unknown kind': { body: plan(step('a', { kind: 'sagaa' })), pointer: '/steps/0/kind' },
  'no kind beside a url': { body: plan(step('a', { kind: undefined })), pointer: '/steps/0/kind' },
  'url and participant': { body: plan(step('a', { participant: 'p', handler: 'h' })), pointer: '/steps/0' },
  'neither url nor participant': { body: plan(step('a', { url: undefined })), pointer: '/steps/0' },
  'a participant without handler': {
    body: plan(step('a', { url: undefined, participant: 'p' })),
    pointer: '/steps/0/handler',
  },
  'a participant that nobody knows': {
    body: plan(step('a', { url: undefined, participant: 'p', handler: 'h' })),
    pointer: '/steps/0/participant',
  },
  'a url that is none': { body: plan(step('a', { url: 'nowhere' })), pointer: '/steps/0/url' },
  'a url of another scheme': { body: plan(step('a', { url: 'file:///etc/passwd' })), pointer: '/steps/0/url' },
  'a url with credentials': { body: plan(step('a', { url: 'http://u:p@127.0.0.1/x' })), pointer: '/steps/0/url' },
  'a url with a query': { body: plan(step('a', { url: 'http://127.0.0.1/x?y' })), pointer: '/steps/0/url' },
  'a url with a fragment': { body: plan(step('a', { url: 'http://127.0.0.1/x#y' })), pointer: '/steps/0/url' },
  'a url that is not allowed': { body: plan(step('a', { url: 'http://169.254.169.254/x' })), pointer: '/steps/0/url' },
  'a timeout of zero': { body: plan(step('a', { timeoutMs: 0 })), pointer: '/steps/0/timeoutMs' },
  'a timeout of half a ms': { body: { ...planOf('a'), timeoutMs: 0.5 }, pointer: '/timeoutMs' },
  'a timeout of centuries': { body: { ...planOf('a'), timeoutMs: 1e15 }, pointer: '/timeoutMs' },
  'no attempts': { body: plan(step('a', { retry: { attemptsMax: 0 } })), pointer: '/steps/0/retry/attemptsMax' },
  'a backoff that shrinks': { body: plan(step('a', { retry: { factor: 0.5 } })), pointer: '/steps/0/retry/factor' },
  'a backoff that ends before it begins': {
    body: plan(step('a', { retry: { initialMs: 500, maxMs: 100 } })),
    pointer: '/steps/0/retry/maxMs',
  },
  'ask without a check': { body: { ...planOf('a'), onTimeout: 'ask' }, pointer: '/check' },
  'a check without ask': { body: { ...planOf('a'), check: { url: 'http://127.0.0.1:9/c' } }, pointer: '/check' },
  'a check that nobody knows': {
    body: { ...planOf('a'), onTimeout: 'ask', check: { participant: 'p', handler: 'h' } },
    pointer: '/check/participant',
  },
  'an onTimeout that is none': { body: { ...planOf('a'), onTimeout: 'resume' }, pointer: '/onTimeout' },
  'metadata that is no object': { body: { ...planOf('a'), metadata: 'x' }, pointer: '/metadata' },
  'J8 more than 1000 steps': {
    body: plan(...Array.from({ length: 1001 }, (_, index) => step(`s${index}`))),
    pointer: '/steps',
  },
  'J8 an input of more than 256 KiB': {
    body: plan(step('a', { input: 'x'.repeat(256 * 1024) })),
    pointer: '/steps/0/input',
  },
  'metadata of more than 16 KiB': {
    body: { ...planOf('a'), metadata: { note: 'x'.repeat(16 * 1024) } },
    pointer: '/metadata',
  },
};

test('bad input is answered with a problem that says where, and nothing is stored', async (t) => {
  const { post, stored } = await startServing(t);
  for (const [flaw, { body, pointer }] of Object.entries(flaws)) {
    const answer = await post('/v1/transactions', body);
    t.is(answer.status, 400, flaw);
    t.is(answer.headers.get('content-type'), 'application/problem+json', flaw);
    t.like(
      answer.body,
      { code: 'invalid_request', status: 400, retryable: false, type: 'urn:concordat:error:invalid_request' },
      flaw,
    );
    t.is(answer.body.errors[0].pointer, pointer, flaw);
    t.regex(answer.body.errors[0].message, /, got |is not allowed|expected none/, flaw);
  }
  t.is(await stored(), 0);
});

const bytes: Readonly<
  Record<string, { readonly body: string | Buffer; readonly code: string; readonly status: number }>
> = {
  'K7 a __proto__ key': { body: '{"name":"x","metadata":{"__proto__":{"a":1}}}', code: 'invalid_json', status: 400 },
  'K7 a __proto__ key in escapes': {
    body: '{"name":"x","metadata":{"\\u005f_proto__":1}}',
    code: 'invalid_json',
    status: 400,
  },
  'K7 invalid UTF-8': {
    body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    code: 'invalid_json',
    status: 400,
  },
  'text that is not JSON': { body: '{"name":', code: 'invalid_json', status: 400 },
  'no body': { body: '', code: 'invalid_json', status: 400 },
  'J8 nesting beyond 100 levels': {
    body: `{"name":"x","metadata":{"a":${deep(200)}}}`,
    code: 'invalid_json',
    status: 400,
  },
  'a body of more than 1 MiB': { body: `{"name":"${'x'.repeat(1024 * 1024)}"}`, code: 'too_large', status: 413 },
  'a body of more than 16 MiB': { body: `{"name":"${'x'.repeat(16 * 1024 * 1024)}"}`, code: 'too_large', status: 413 },
};

test('K7 bytes that are no proper JSON are refused, and nothing is stored', async (t) => {
  const { request, stored } = await startServing(t);
  for (const [flaw, { body, code, status }] of Object.entries(bytes)) {
    const answer = await request('/v1/transactions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: body as never,
    });
    t.is(answer.status, status, flaw);
    t.is(answer.body.code, code, flaw);
  }
  t.is(await stored(), 0);
});

test('a body that is not application/json in UTF-8 is refused with 415', async (t) => {
  const { request, stored } = await startServing(t);
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'application/jsonp',
    '',
  ]) {
    const answer = await request('/v1/transactions', {
      method: 'POST',
      headers: { 'content-type': type },
      body: JSON.stringify(planOf('a')),
    });
    t.is(answer.status, 415, type);
    t.is(answer.body.code, 'unsupported_media_type');
  }
  t.is(await stored(), 0);
});

test('a message with a key is not available yet and stores nothing', async (t) => {
  const { post, stored } = await startServing(t);
  const answer = await post('/v1/transactions', plan(step('a', { kind: 'message', key: 'order-1' })));
  t.is(answer.status, 501);
  t.is(answer.body.code, 'not_available');
  t.is(answer.body.errors[0].pointer, '/steps/0/key');
  t.is(await stored(), 0);
});

test('all findings are told at once, but never more than fifty', async (t) => {
  const { post } = await startServing(t);
  const two = await post('/v1/transactions', plan(step('a', { url: 'x' }), step('a')));
  t.deepEqual(
    two.body.errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/steps/1/id', '/steps/0/url'],
  );
  const many = await post('/v1/transactions', plan(...Array.from({ length: 900 }, () => step('a', { url: 'x' }))));
  t.is(many.body.errors.length, 50);
});

test('a body of null is not the same as none', async (t) => {
  const { post, get } = await startServing(t);
  await post('/v1/transactions', { name: 'order', xid: 'x1' });
  for (const what of ['commit', 'rollback', 'rollback-only', 'retry']) {
    const answer = await post(`/v1/transactions/x1/${what}`, 'null');
    t.is(answer.status, 400, what);
    t.is(answer.body.errors[0].message, 'expected an object, got null', what);
  }
  t.is((await get('/v1/transactions/x1')).body.status, 'active');
});
