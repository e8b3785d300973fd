import { createHmac } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../coordinator/clock.js';
import { tokenFor } from '../../coordinator/dispatch/token.js';
import type { Reply, Transport } from '../../coordinator/dispatch/transport.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { limits } from '../../sdk/protocol/limits.js';
import {
  answerWith,
  commands,
  type Got,
  type Host,
  host,
  type Item,
  instance,
  ndjson,
  registryOn,
} from './instances.js';
import { plant, signal, tokenKey, transport } from './participants.js';

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

/** A transport to one host that takes batches. */
async function toHost(t: ExecutionContext, { url }: Pick<Host, 'url'>, signingSecrets: readonly string[] = []) {
  const { registry } = registryOn(undefined, { ...systemClock(), advance: () => undefined, waiting: () => 0 });
  await registry.register(instance({ url: `${url}/stock/`, batch: true }));
  return { http: transport(t, { registry, signingSecrets }), registry };
}

const sendAll = (http: Transport, all: readonly Command[]): Promise<Reply[]> =>
  Promise.all(all.map((each) => http.send(each)));

const indexOf = (item: Item): number => (item.body.input as { index: number }).index;
const doneWith = (index: number): Reply => ({ kind: 'done', output: { index } });
const ok = (item: Item) => ({ status: 200, body: { index: indexOf(item) } });

test('commands that are ready in one turn go together, each with its own path, headers and body', async (t) => {
  const there = await host(t, (response, items) => answerWith(response, { outcomes: items.map(ok) }));
  const { http } = await toHost(t, there);
  const sent = commands(3, { attempt: 7 });
  t.deepEqual(await sendAll(http, sent), [doneWith(0), doneWith(1), doneWith(2)]);
  t.is(there.got.length, 1);
  const [{ path, headers, items }] = there.got as [Got];
  t.is(path, '/stock/_batch');
  t.like(headers, { 'content-type': 'application/json', accept: 'application/x-ndjson, application/json' });
  for (const [index, { body, expiresAt }] of sent.entries()) {
    const item = items[index]!;
    t.deepEqual(Object.keys(item).sort(), ['body', 'headers', 'path']);
    t.is(item.path, '/reserve/action');
    t.deepEqual(item.body, body);
    const { traceparent, ...rest } = item.headers;
    t.regex(traceparent!, /^00-0af7651916cd43dd8448eb211c80319c-(?!0{16})[0-9a-f]{16}-01$/);
    t.deepEqual(rest, {
      'concordat-origin': 'origin1',
      'concordat-xid': body.xid,
      'concordat-branch': '1',
      'concordat-attempt': '7',
      'concordat-expires': String(expiresAt),
      'concordat-token': tokenFor(tokenKey, body.xid, 1, 'action'),
      'webhook-id': `origin1-${body.xid}-1-action`,
    });
  }
});

test('one command alone goes to its own endpoint, as it would to a host without batches', async (t) => {
  const there = await host(t, () => t.fail());
  const { http } = await toHost(t, there);
  t.deepEqual(await http.send(commands(1)[0]!), { kind: 'done', output: null });
  t.is(there.got[0]?.path, '/stock/reserve/action');
  t.is(there.got[0]?.headers['concordat-attempt'], '1');
});

test('an instance that registered without batches gets single commands', async (t) => {
  const there = await host(t, () => t.fail());
  const { http, registry } = await toHost(t, there);
  await registry.register(instance({ url: there.url }));
  await sendAll(http, commands(3));
  t.deepEqual(
    there.got.map(({ path }) => path),
    Array(3).fill('/reserve/action'),
  );
});

/** Written from the Standard Webhooks specification, not from the code that signs. */
function isSigned({ headers, text }: Got, body = text): boolean {
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const expected = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
    .update(content)
    .digest('base64');
  return headers['webhook-signature'] === `v1,${expected}`;
}

test('C11 a batch is signed as a whole, under an id that no other request has', async (t) => {
  const there = await host(t, (response, items) => answerWith(response, { outcomes: items.map(ok) }));
  const { http } = await toHost(t, there, [secret]);
  const first = commands(2);
  await sendAll(http, first);
  await sendAll(
    http,
    first.map((each) => ({ ...each, attempt: 2 })),
  );
  await sendAll(http, commands(2));
  t.deepEqual(
    there.got.map((got) => isSigned(got)),
    [true, true, true],
  );
  const [got] = there.got as [Got];
  t.false(isSigned(got, got.text.replace('"attempt":"1"', '"attempt":"2"').replace('action', 'compensate')));
  t.is(new Set(there.got.map(({ headers }) => headers['webhook-id'])).size, 3);
});

test.serial('planted unsigned-commands: the check above sees it', async (t) => {
  plant(t, 'unsigned-commands');
  const there = await host(t, (response, items) => answerWith(response, { outcomes: items.map(ok) }));
  const { http } = await toHost(t, there, [secret]);
  await sendAll(http, commands(2));
  t.false(isSigned(there.got[0]!));
});

test('J4 a slow command does not keep the outcomes of the others when they come by the line', async (t) => {
  const slow = signal();
  const there = await host(t, async (response, items) => {
    response.writeHead(200, { 'content-type': ndjson });
    for (const item of items.slice(1)) response.write(`${JSON.stringify({ index: indexOf(item), ...ok(item) })}\n`);
    await slow.came;
    response.end(JSON.stringify({ index: 0, ...ok(items[0]!) }));
  });
  const { http } = await toHost(t, there);
  const [first, ...rest] = commands(5).map((each) => http.send(each));
  t.deepEqual(await Promise.all(rest), [1, 2, 3, 4].map(doneWith));
  slow.give();
  t.deepEqual(await first, doneWith(0));
});

test('lines may come in pieces, in any order, with empty ones between', async (t) => {
  const there = await host(t, async (response, items) => {
    response.writeHead(200, { 'content-type': `${ndjson}; charset=utf-8` });
    const text = items.toReversed().map((item) => JSON.stringify({ index: indexOf(item), ...ok(item), note: 'é💡' }));
    for (const byte of Buffer.from(`\n${text.join('\r\n\n')}`)) {
      await new Promise((resolve) => response.write(Uint8Array.of(byte), resolve));
    }
    response.end();
  });
  const { http } = await toHost(t, there);
  t.deepEqual(await sendAll(http, commands(3)), [0, 1, 2].map(doneWith));
});

test('each outcome is read like an HTTP answer', async (t) => {
  const problem = { 'content-type': 'application/problem+json' };
  const outcomes: readonly (readonly [object, object])[] = [
    [
      { status: 200, body: { a: [1] } },
      { kind: 'done', output: { a: [1] } },
    ],
    [{ status: 204 }, { kind: 'done', output: null }],
    [
      { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: 'x' },
      { kind: 'done', output: 'x' },
    ],
    [
      { status: 409, headers: problem, body: { detail: 'sold out', code: 'sold_out' } },
      { kind: 'refused', reason: 'sold out', code: 'sold_out' },
    ],
    [{ status: 409, body: { detail: 'sold out' } }, { kind: 'unknown' }],
    [
      { status: 202, headers: { 'retry-after': '3' } },
      { kind: 'pending', retryAfterMs: 3000 },
    ],
    [{ status: 425 }, { kind: 'unknown' }],
    [
      { status: 503, headers: { 'retry-after': '2' } },
      { kind: 'unknown', retryAfterMs: 2000 },
    ],
    [{ status: 500, body: { error: 'boom' } }, { kind: 'unknown' }],
    [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }, { kind: 'unknown' }],
    [{ status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' }, { kind: 'unknown' }],
    [{ status: 200, headers: { 'content-encoding': 'gzip' }, body: 'x' }, { kind: 'unknown' }],
  ];
  const there = await host(t, (response) => answerWith(response, { outcomes: outcomes.map(([outcome]) => outcome) }));
  const { http } = await toHost(t, there);
  const replies = await sendAll(http, commands(outcomes.length));
  for (const [index, [outcome, expected]] of outcomes.entries())
    t.like(replies[index], expected, JSON.stringify(outcome));
});

test('no request has more commands than the limit, or more bytes', async (t) => {
  const there = await host(t, (response, items) => answerWith(response, { outcomes: items.map(ok) }));
  const { http } = await toHost(t, there);
  const many = await sendAll(http, commands(2 * limits.batchMax + 1));
  t.deepEqual(
    many.slice(0, -1),
    many.slice(0, -1).map((_, index) => doneWith(index)),
  );
  t.deepEqual(there.got.map(({ items }) => items.length).sort(), [0, limits.batchMax, limits.batchMax]);
  there.got.length = 0;
  const note = 'é'.repeat(120 * 1024);
  const large = commands(9).map(({ body, ...rest }, index) => ({ ...rest, body: { ...body, input: { index, note } } }));
  const replies = await sendAll(http, large);
  t.is(replies.filter(({ kind }) => kind === 'done').length, 9);
  t.true(there.got.length >= 3);
  t.true(there.got.every(({ text }) => Buffer.byteLength(text) <= limits.batchBytes));
});

test('a command that is larger than a batch may be goes by itself', async (t) => {
  const there = await host(t, (response, items) => answerWith(response, { outcomes: items.map(ok) }));
  const { http } = await toHost(t, there);
  const [small, huge, other] = commands(3) as [Command, Command, Command];
  const sent = [small, { ...huge, body: { ...huge.body, input: 'x'.repeat(limits.batchBytes) } }, other];
  t.true((await sendAll(http, sent)).every(({ kind }) => kind === 'done'));
  t.deepEqual(there.got.map(({ path }) => path).sort(), Array(3).fill('/stock/reserve/action'));
});

for (const status of [404, 405, 501]) {
  test(`a host that answers a batch with ${status} gets its commands one by one, without another attempt, for a while`, async (t) => {
    const there = await host(t, (response) => answerWith(response, 'no such path', 'text/plain', status));
    const { http } = await toHost(t, there);
    const replies = await sendAll(http, commands(3));
    t.true(replies.every(({ kind }) => kind === 'done'));
    await sendAll(http, commands(2));
    t.deepEqual(
      there.got.map(({ path }) => path.split('/').at(-1)),
      ['_batch', 'action', 'action', 'action', 'action', 'action'],
    );
    t.is(there.got[1]?.headers['concordat-attempt'], '1');
  });
}

test('a batch that comes to nothing is no outcome of any command, and each is asked by itself the next time', async (t) => {
  const there = await host(t, (response) => answerWith(response, { detail: 'no' }, 'application/problem+json', 409));
  const { http } = await toHost(t, there);
  const sent = commands(2);
  t.true((await sendAll(http, sent)).every(({ kind }) => kind === 'unknown'));
  const again = await sendAll(
    http,
    sent.map((each) => ({ ...each, attempt: 2 })),
  );
  t.true(again.every(({ kind }) => kind === 'done'));
  t.deepEqual(
    there.got.map(({ path }) => path.split('/').at(-1)),
    ['_batch', 'action', 'action'],
  );
});

test('J5 a batch that is answered 503 is tried again when that says so', async (t) => {
  const there = await host(t, (response) => response.writeHead(503, { 'retry-after': '7' }).end());
  const { http } = await toHost(t, there);
  for (const reply of await sendAll(http, commands(2))) t.like(reply, { kind: 'unknown', retryAfterMs: 7000 });
});

test('an instance at an address that is not allowed any more gets nothing', async (t) => {
  const { registry } = registryOn();
  await registry.register(instance({ url: 'http://192.0.2.1', batch: true }));
  const replies = await sendAll(transport(t, { registry }), commands(2));
  for (const reply of replies) t.regex(JSON.stringify(reply), /not sent: http:\/\/192\.0\.2\.1 is not allowed/);
});

test('nobody listening is unknown for all of them at once', async (t) => {
  const { http } = await toHost(t, { url: 'http://127.0.0.1:1' });
  for (const reply of await sendAll(http, commands(2))) t.regex(JSON.stringify(reply), /unknown.*ECONNREFUSED/);
});

test('what is in flight when the transport closes is unknown, and nothing is sent after', async (t) => {
  const arrived = signal();
  const there = await host(t, () => arrived.give());
  const { http } = await toHost(t, there);
  const replies = sendAll(http, commands(2));
  await arrived.came;
  const late = sendAll(http, commands(2));
  await http.close();
  t.true([...(await replies), ...(await late)].every(({ kind }) => kind === 'unknown'));
  t.is(there.got.length, 1);
});
