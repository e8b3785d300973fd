/** The fuzzer sees what it looks for. */
import { type AddressInfo, createServer } from 'node:net';
import test from 'ava';
import { problem } from '../../coordinator/http/problem.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { prepareGround } from './ground.js';
import { shaped, spoiledBytes } from './requests.js';
import { flawOf } from './verdict.js';
import { type Answer, AnswerReader, exchangeRaw, Line } from './wire.js';

const { body } = problem(new ConcordatError('invalid_request', 'expected this, got that'));
const headers = { 'content-type': 'application/problem+json', 'x-request-id': 'a' };
const answer = (change: Partial<Answer> & { more?: object; said?: object } = {}): Answer => ({
  status: 400,
  isHead: false,
  text: JSON.stringify({ ...(body as object), ...change.said }),
  ...change,
  headers: new Map(Object.entries({ ...headers, ...change.more })),
});

test('an answer that is not of the catalogue is seen', (t) => {
  t.is(flawOf(answer()), undefined);
  t.regex(flawOf(answer({ more: { 'x-request-id': '' } })) ?? '', /no x-request-id/);
  t.regex(flawOf(answer({ more: { 'content-type': 'text/html' } })) ?? '', /as text\/html/);
  t.regex(flawOf(answer({ text: '<h1>400</h1>' })) ?? '', /400 with/);
  t.regex(flawOf(answer({ said: { code: 'toString' } })) ?? '', /not in the catalogue/);
  t.regex(flawOf(answer({ status: 404 })) ?? '', /404 for invalid_request/);
  t.regex(flawOf(answer({ said: { title: 'Oh' } })) ?? '', /another invalid_request/);
  t.regex(flawOf(answer({ said: { retryable: true } })) ?? '', /retryable/);
  t.regex(flawOf(answer({ said: { detail: 'x\n    at door.js:1' } })) ?? '', /insides|tells/);
  t.regex(flawOf(answer({ status: 500 })) ?? '', /500/);
  t.regex(flawOf(answer({ status: 302 })) ?? '', /redirect/);
});

test('what is no answer is seen, and one that comes in pieces is read', (t) => {
  t.throws(() => new AnswerReader().add(Buffer.from('hello\r\n\r\n')), { message: /expected a status line/ });
  const reader = new AnswerReader();
  for (const byte of 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n')
    reader.add(Buffer.from(byte));
  t.deepEqual(
    reader.answers.map(({ status, text }) => [status, text]),
    [
      [200, '{}'],
      [404, ''],
    ],
  );
});

test('a server that does not answer, or does not let go, is seen', async (t) => {
  const silent = createServer({ allowHalfOpen: true }, (socket) => socket.resume().on('error', () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const line = new Line(port);
  await t.throwsAsync(line.ask([Buffer.from('GET / HTTP/1.1\r\n\r\n')], 50), { message: /no answer: GET/ });
  await t.throwsAsync(exchangeRaw(port, Buffer.from('x'), 50), { message: /no end: "x"/ });
});

test('the same seed gives the same requests, and another gives others', async (t) => {
  const bytesOf = async (name: string): Promise<string> => {
    const { document, dice } = await prepareGround(t, name);
    const next = shaped({ document, dice, pools: {}, good: 0.1 });
    const all = Array.from({ length: 50 }, () => next().bytes);
    return Buffer.concat([...all, spoiledBytes(next, dice).bytes]).toString('latin1');
  };
  const [one, again, other] = [await bytesOf('a'), await bytesOf('a'), await bytesOf('b')];
  t.is(one, again);
  t.not(one, other);
});
