import test, { type ExecutionContext } from 'ava';
import { request } from 'undici';
import { saga } from '../../sdk/participant/define.js';
import { Refused } from '../../sdk/protocol/answers.js';
import { manualClock } from '../helpers/clock.js';
import { bodyOf, gate, headersOf, payment, post, type Send, secretOf, signatureOf, startHost } from './hosting.js';

const nothing = async (): Promise<void> => undefined;
const now = Date.UTC(2030, 0, 1);

/** `charge` notes its inputs; `wait` waits at a gate. */
async function start(t: ExecutionContext, options: Parameters<typeof startHost>[1] = {}) {
  const effects: unknown[] = [];
  const door = gate();
  const charge = saga({
    fence: 'none',
    action: async (input: { readonly cents: number }) => {
      if (input.cents < 0) throw new Refused('negative', { code: 'negative' });
      effects.push(input.cents);
      return { paid: input.cents };
    },
    compensate: nothing,
  });
  const wait = saga({ fence: 'none', action: door.wait, compensate: nothing });
  const host = await startHost(t, { participants: [payment({ charge, wait })], ...options });
  t.teardown(door.release);
  return { ...host, effects, door };
}

/** One command as it stands in a batch. */
const item = (path: string, options: Send = {}) => ({
  path,
  headers: headersOf(options),
  body: JSON.parse(options.raw ?? bodyOf(path.split('/').at(-1) ?? '', options)),
});

const charges = (...cents: readonly number[]) =>
  cents.map((each, index) => item('/charge/action', { branch: index + 1, input: { cents: each } }));

const batch = (commands: readonly unknown[]): string => JSON.stringify({ commands });

const linesOf = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

const askLines = { 'content-type': 'application/json', accept: 'application/x-ndjson, application/json' };

test('the commands of a batch are carried out, each with the answer that it would have by itself', async (t) => {
  const { url, effects } = await start(t);
  const commands = [...charges(1, -1, 2), item('/refund/action'), item('charge/action', { xid: '-' })];
  const { status, headers, body } = await post(`${url}/_batch`, batch(commands));
  t.deepEqual([status, headers['content-type']], [200, 'application/json']);
  t.deepEqual(body.outcomes[0], { status: 200, body: { paid: 1 } });
  t.like(body.outcomes[1], { status: 409, body: { code: 'negative', detail: 'negative' } });
  t.is(body.outcomes[1].headers['content-type'], 'application/problem+json');
  t.deepEqual(body.outcomes[2], { status: 200, body: { paid: 2 } });
  t.like(body.outcomes[3], { status: 404, body: { code: 'route_not_found' } });
  t.like(body.outcomes[4], { status: 400, body: { code: 'malformed' } });
  t.deepEqual(effects, [1, 2]);
});

test('answers that are there in the same turn go out in one piece, with its length', async (t) => {
  const { url } = await start(t);
  const { headers, text } = await post(`${url}/_batch`, batch(charges(1, 2, 3)), askLines);
  t.is(headers['content-type'], 'application/x-ndjson');
  t.is(headers['content-length'], String(Buffer.byteLength(text)));
  t.deepEqual(linesOf(text), [
    { index: 0, status: 200, body: { paid: 1 } },
    { index: 1, status: 200, body: { paid: 2 } },
    { index: 2, status: 200, body: { paid: 3 } },
  ]);
});

test('a slow command holds back its own line only', async (t) => {
  const { url, door } = await start(t);
  const body = batch([item('/wait/action', { branch: 9 }), ...charges(5)]);
  const answer = await request(`${url}/_batch`, { method: 'POST', headers: askLines, body });
  const chunks = answer.body[Symbol.asyncIterator]();
  const first = await chunks.next();
  t.deepEqual(linesOf(String(first.value)), [{ index: 1, status: 200, body: { paid: 5 } }]);
  door.release();
  t.deepEqual(linesOf(String((await chunks.next()).value)), [{ index: 0, status: 200, body: null }]);
  t.true((await chunks.next()).done);
});

test('a batch comes by the path of its participant as well', async (t) => {
  const { effects, url } = await start(t);
  const { body } = await post(`${url}/payment/_batch`, batch([...charges(1), item('/payment/charge/action')]));
  t.deepEqual(
    body.outcomes.map(({ status }: { status: number }) => status),
    [200, 200],
  );
  t.is(effects.length, 2);
});

test('G2 C7 each command of a batch has its own expiry', async (t) => {
  const { url, effects } = await start(t, { clock: manualClock(now) });
  const until = (at: number) => ({ 'concordat-expires': String(at) });
  const commands = [
    item('/charge/action', { input: { cents: 1 }, headers: until(now) }),
    item('/charge/action', { input: { cents: 2 }, branch: 2, headers: until(now + 1) }),
  ];
  const { body } = await post(`${url}/_batch`, batch(commands));
  t.deepEqual(
    body.outcomes.map(({ status }: { status: number }) => status),
    [408, 200],
  );
  t.deepEqual(effects, [2]);
});

test('C11 a batch is signed as a whole', async (t) => {
  const { key, secret } = secretOf(1);
  const { url, effects } = await start(t, { signingSecret: secret, clock: manualClock(now) });
  const body = batch(charges(1, 2));
  const signature = signatureOf(body, { key, id: 'origin-1-batch-x1-1-action-1', at: now });
  const signed = { ...askLines, ...signature };
  t.is((await post(`${url}/_batch`, body, askLines)).status, 401);
  t.is((await post(`${url}/_batch`, batch(charges(3, 4)), signed)).status, 401);
  t.deepEqual(effects, []);
  t.is((await post(`${url}/_batch`, body, signed)).status, 200);
  t.deepEqual(effects, [1, 2]);
});

const malformed: readonly [string, string, number][] = [
  ['without commands', '{}', 400],
  ['of no commands', batch([]), 400],
  ['of very many commands', batch(new Array(1025).fill(null)), 400],
  ['of commands that are none', batch([null]), 400],
  ['of commands without a path', batch([{ headers: {}, body: {} }]), 400],
  ['of commands whose headers are none', batch([{ path: '/charge/action', headers: [], body: {} }]), 400],
  ['that is not JSON', '{"commands": [', 400],
  ['that is too large', ' '.repeat(8 * 1024 * 1024 + 1), 413],
];

for (const [what, body, status] of malformed) {
  test(`K6 K7 a batch ${what} gets ${status} as a whole`, async (t) => {
    const { url, effects } = await start(t);
    const answer = await post(`${url}/_batch`, body);
    t.deepEqual([answer.status, answer.headers['content-type']], [status, 'application/problem+json']);
    t.deepEqual(effects, []);
  });
}

test('one command of a batch that is none leaves the others alone', async (t) => {
  const { url, effects } = await start(t);
  const commands = [{ path: '/charge/action', headers: headersOf(), body: 5 }, ...charges(1)];
  const { body } = await post(`${url}/_batch`, batch(commands));
  t.deepEqual(
    body.outcomes.map(({ status }: { status: number }) => status),
    [400, 200],
  );
  t.deepEqual(effects, [1]);
});
