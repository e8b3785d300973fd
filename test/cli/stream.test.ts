import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { EventReader, type ServerEvent, serverEvents } from '../../coordinator/cli/stream.js';
import { systemClock } from '../../coordinator/clock.js';
import { NoCoordinator } from '../../sdk/index.js';

const text =
  'retry: 1000\n\nid: 1.0\nevent: opened\ndata: {"a":1}\n\n: beat\n\nid: 1.1\r\ndata: one\r\ndata: two\r\n\r\nid: 2.0\n\n';
const events = [
  { id: '', type: 'message', data: '' },
  { id: '1.0', type: 'opened', data: '{"a":1}' },
  { id: '1.0', type: 'message', data: '' },
  { id: '1.1', type: 'message', data: 'one\ntwo' },
  { id: '2.0', type: 'message', data: '' },
];

test('a stream reads alike however it is cut', (t) => {
  const cuts = fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 12 });
  const property = fc.property(cuts, (places) => {
    const sorted = [0, ...places.sort((a, b) => a - b), text.length];
    const reader = new EventReader();
    const read = sorted.slice(1).flatMap((end, index) => [...reader.read(text.slice(sorted[index], end))]);
    t.deepEqual(read, events);
  });
  fc.assert(property, { numRuns: 300 });
});

type Serve = (request: IncomingMessage, response: ServerResponse, count: number) => void;

async function serving(t: ExecutionContext, serve: Serve): Promise<string> {
  let count = 0;
  const server = createServer((request, response) => serve(request, response, ++count));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function readAll(url: string, signal = new AbortController().signal): Promise<readonly ServerEvent[]> {
  const all: ServerEvent[] = [];
  const options = { url, apiKey: 'k1', path: '/v1/stream', signal, clock: systemClock() };
  for await (const event of serverEvents(options)) all.push(event);
  return all;
}

const stream = { 'content-type': 'text/event-stream' };

test('a connection that breaks is taken up again behind the last event, until nothing will come', async (t) => {
  const asked: (string | undefined)[] = [];
  const url = await serving(t, ({ headers }, response, count) => {
    asked.push(headers['last-event-id'] as string | undefined);
    t.is(headers.authorization, 'Bearer k1');
    if (count === 1) return response.writeHead(503, { 'content-type': 'application/json' }).end('{"code":"stopping"}');
    if (count === 2)
      return response.writeHead(200, stream).write('id: 1.0\ndata: a\n\nid: 1.', () => response.destroy());
    if (count === 3) return response.writeHead(200, stream).end('id: 1.1\ndata: b\n\nid: 2.0\n\n');
    return response.writeHead(204).end();
  });
  t.deepEqual(
    (await readAll(url)).map(({ data }) => data),
    ['a', 'b'],
  );
  t.deepEqual(asked, [undefined, undefined, '1.0', '2.0']);
});

test('a no is a no, and is asked once', async (t) => {
  let asked = 0;
  const problem = '{"code":"forbidden","detail":"expected a key with the role viewer"}';
  const url = await serving(t, (_, response) => {
    asked++;
    response.writeHead(403, { 'content-type': 'application/problem+json' }).end(problem);
  });
  await t.throwsAsync(readAll(url), { message: /expected a key with the role viewer/ });
  t.is(asked, 1);
});

test('whoever never answers is given up', async (t) => {
  const error = await t.throwsAsync(readAll('http://127.0.0.1:1'), { instanceOf: NoCoordinator });
  t.regex(error?.message ?? '', /no coordinator answers at http:\/\/127.0.0.1:1/);
});

test('it ends when it is told to, in the middle of a stream', async (t) => {
  const stop = new AbortController();
  const url = await serving(t, (_, response) => {
    response.writeHead(200, stream).write('id: 1\ndata: a\n\n', () => setImmediate(() => stop.abort()));
  });
  t.true((await readAll(url, stop.signal)).length <= 1);
});
