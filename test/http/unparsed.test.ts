import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { startServing } from './serving.js';

/** What comes back for bytes that are sent as they are. */
async function answerTo(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes);
  return text(socket);
}

test('what is not HTTP, or has huge headers, gets a problem with a request id like everything else', async (t) => {
  const { url } = await startServing(t);
  const cases = [
    ['GARBAGE\r\n\r\n', 400, 'invalid_request'],
    [`GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
  ] as const;
  for (const [bytes, status, code] of cases) {
    const [head = '', body = ''] = (await answerTo(url, bytes)).split('\r\n\r\n');
    t.regex(head, new RegExp(`^HTTP/1.1 ${status} `));
    t.regex(head, /\r\ncontent-type: application\/problem\+json\r\n/);
    t.regex(head, /\r\nx-request-id: [0-9a-f]{32}\r\n/);
    t.like(JSON.parse(body), { status, code });
  }
});

test('a request without a Host header gets a problem like everything else, with keys and without', async (t) => {
  for (const keys of [{}, { env: { CONCORDAT_API_KEYS: 'all:admin:key-of-all' } }]) {
    const { url } = await startServing(t, keys);
    const [head = '', body = ''] = (await answerTo(url, 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n')).split(
      '\r\n\r\n',
    );
    t.regex(head, /^HTTP\/1.1 400 .*\r\ncontent-type: application\/problem\+json\r\n.*\r\nx-request-id: /s);
    t.like(JSON.parse(body), { status: 400, code: 'invalid_request' });
  }
});

test('an Expect header that nobody knows changes nothing', async (t) => {
  const { url } = await startServing(t);
  const answer = await answerTo(
    url,
    'GET /healthz HTTP/1.1\r\nhost: localhost\r\nexpect: wonders\r\nconnection: close\r\n\r\n',
  );
  t.regex(answer, /^HTTP\/1.1 200 .*x-request-id: /s);
});
