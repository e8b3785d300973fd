/** Whatever a host answers to a batch: what is not plainly the outcome of a command is none, and nothing breaks. */
import type { ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../coordinator/clock.js';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import { limits } from '../../sdk/protocol/limits.js';
import { manualClock } from '../helpers/clock.js';
import { answerWith, commands, host, instance, ndjson, registryOn } from './instances.js';
import { plant, signal, transport } from './participants.js';

/** What became of so many commands that went together; then the same host still serves. */
async function repliesTo(
  t: ExecutionContext,
  count: number,
  answer: (response: ServerResponse) => unknown,
): Promise<readonly Reply[]> {
  let broken = true;
  const there = await host(t, (response, items) =>
    broken ? answer(response) : answerWith(response, { outcomes: items.map(() => ({ status: 200 })) }),
  );
  const { registry } = registryOn(undefined, { ...systemClock(), advance: () => undefined, waiting: () => 0 });
  await registry.register(instance({ url: there.url, batch: true }));
  const http = transport(t, { registry });
  const send = () => Promise.all(commands(count, { expiresAt: Date.now() + 10_000 }).map((each) => http.send(each)));
  const replies = await send();
  broken = false;
  t.true((await send()).every(({ kind }) => kind === 'done'));
  return replies;
}

const kindsOf = (replies: readonly Reply[]): readonly string[] => replies.map(({ kind }) => kind);
const fine = { status: 200, body: { ok: true } };
const [done, unknown] = ['done', 'unknown'] as const;
const line = (value: unknown): string => `${JSON.stringify(value)}\n`;
const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;

/** To two commands. */
const documents: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  'K1 nothing': ['', [unknown, unknown]],
  'K1 garbage': ['<html>', [unknown, unknown]],
  'K1 something else': ['{"ok":true}', [unknown, unknown]],
  'K1 an array': [JSON.stringify([fine, fine]), [unknown, unknown]],
  'K1 outcomes that are none': ['{"outcomes":7}', [unknown, unknown]],
  'I1 too few outcomes, so that nobody knows which is whose': [
    JSON.stringify({ outcomes: [fine] }),
    [unknown, unknown],
  ],
  'I1 too many outcomes': [JSON.stringify({ outcomes: [fine, fine, fine] }), [unknown, unknown]],
  'K1 outcomes of which one is no object': [JSON.stringify({ outcomes: [7, fine] }), [unknown, done]],
  'K1 an outcome without a status': [JSON.stringify({ outcomes: [{ body: 1 }, fine] }), [unknown, done]],
  'K1 a status of another world': [
    JSON.stringify({ outcomes: [{ status: 99 }, { status: '200' }] }),
    [unknown, unknown],
  ],
  'K1 headers that are none': [
    JSON.stringify({
      outcomes: [
        { ...fine, headers: { 'retry-after': 1 } },
        { ...fine, headers: [] },
      ],
    }),
    [unknown, unknown],
  ],
  'K7 a __proto__ key in one outcome': [
    `{"outcomes":[{"status":200,"body":{"__proto__":{"x":1}}},${JSON.stringify(fine)}]}`,
    [unknown, done],
  ],
  'K7 a __proto__ key, written with an escape': [
    `{"outcomes":[{"status":200,"body":{"\\u005f_proto__":{"x":1}}},${JSON.stringify(fine)}]}`,
    [unknown, done],
  ],
  'K7 __proto__ as a whole outcome': [
    `{"__proto__":{"outcomes":[]},"outcomes":[{"__proto__":{"status":200}},${JSON.stringify(fine)}]}`,
    [unknown, done],
  ],
  'K1 nesting without end in one outcome': [
    `{"outcomes":[{"status":200,"body":${deep}},${JSON.stringify(fine)}]}`,
    [unknown, done],
  ],
  'K2 one outcome that is too large': [
    JSON.stringify({ outcomes: [{ status: 200, body: 'x'.repeat(limits.outcomeBodyBytes) }, fine] }),
    [unknown, done],
  ],
};

for (const [what, [text, expected]] of Object.entries(documents)) {
  test(`${what}: ${expected.join(', ')}`, async (t) => {
    t.deepEqual(kindsOf(await repliesTo(t, 2, (response) => answerWith(response, text))), expected);
  });
}

/** To three commands. */
const streams: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  'an outcome that is missing': [line({ index: 2, ...fine }) + line({ index: 0, ...fine }), [done, unknown, done]],
  'C3 an outcome that comes twice, and then otherwise': [
    line({ index: 1, ...fine }) +
      line({ index: 1, status: 409, headers: { 'content-type': 'application/problem+json' }, body: { detail: 'no' } }),
    [unknown, done, unknown],
  ],
  'an index that is none of ours': [
    [-1, 3, 1.5, '1', null, 2 ** 53].map((index) => line({ index, ...fine })).join('') + line({ index: 0, ...fine }),
    [done, unknown, unknown],
  ],
  'K1 a line of garbage': [
    `${line({ index: 0, ...fine })}garbage\n7\nnull\n[]\n${line({ index: 2, ...fine })}`,
    [done, unknown, done],
  ],
  'K7 a __proto__ key': [
    `{"index":1,"status":200,"body":{"__proto__":1}}\n${line({ index: 0, ...fine })}`,
    [done, unknown, unknown],
  ],
  'K1 nesting without end': [
    `{"index":1,"status":200,"body":${deep}}\n${line({ index: 0, ...fine })}`,
    [done, unknown, unknown],
  ],
  'K2 a line that is too long': [
    line({ index: 1, status: 200, body: 'x'.repeat(limits.outcomeBodyBytes + 4096) }) + line({ index: 0, ...fine }),
    [done, unknown, unknown],
  ],
  'K5 a last line that is cut off': [`${line({ index: 0, ...fine })}{"index":1,"stat`, [done, unknown, unknown]],
};

for (const [what, [text, expected]] of Object.entries(streams)) {
  test(`by the line, ${what}: ${expected.join(', ')}`, async (t) => {
    t.deepEqual(kindsOf(await repliesTo(t, 3, (response) => answerWith(response, text, ndjson))), expected);
  });
}

test('K7 invalid UTF-8 in a line concerns that line, in a document all of it', async (t) => {
  const bad = Buffer.from([0x22, 0xff, 0x22]);
  const ofLine = Buffer.concat([
    Buffer.from('{"index":0,"status":200,"body":'),
    bad,
    Buffer.from(`}\n${line({ index: 1, ...fine })}`),
  ]);
  const byLine = await repliesTo(t, 2, (response) => response.writeHead(200, { 'content-type': ndjson }).end(ofLine));
  t.deepEqual(kindsOf(byLine), [unknown, done]);
  const ofAll = Buffer.concat([
    Buffer.from('{"outcomes":[{"status":200,"body":'),
    bad,
    Buffer.from('},{"status":200}]}'),
  ]);
  const asOne = await repliesTo(t, 2, (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(ofAll),
  );
  t.deepEqual(kindsOf(asOne), [unknown, unknown]);
});

for (const type of ['text/html', 'application/json; charset=latin1', '']) {
  test(`K1 a batch answered as ${type || 'nothing'} is none`, async (t) => {
    const text = JSON.stringify({ outcomes: [fine, fine] });
    const replies = await repliesTo(t, 2, (response) => {
      response.writeHead(200, type ? { 'content-type': type } : {}).end(text);
    });
    t.deepEqual(kindsOf(replies), [unknown, unknown]);
  });
}

for (const status of [201, 202, 204, 302, 400, 401, 409, 425, 500]) {
  test(`K6 a whole batch answered ${status} is an outcome of no command`, async (t) => {
    const headers = { 'content-type': 'application/problem+json', 'retry-after': '1', location: 'http://127.0.0.1:1/' };
    const replies = await repliesTo(t, 2, (response) => {
      response.writeHead(status, headers).end(status === 204 ? undefined : JSON.stringify({ outcomes: [fine, fine] }));
    });
    t.deepEqual(kindsOf(replies), [unknown, unknown]);
  });
}

test('K2 compressed answers are not read', async (t) => {
  const replies = await repliesTo(t, 2, (response) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    response.writeHead(200, headers).end(JSON.stringify({ outcomes: [fine, fine] }));
  });
  t.deepEqual(kindsOf(replies), [unknown, unknown]);
});

/** Outcomes that are each within bounds, and together more than a batch may answer. */
function endless(response: ServerResponse): void {
  const large = line({ index: 7, status: 200, body: 'x'.repeat(1_000_000) });
  response.writeHead(200, { 'content-type': ndjson }).write(line({ index: 0, ...fine }));
  for (let i = 0; i < 20; i++) response.write(large);
  response.end(line({ index: 1, ...fine }));
}

test('K2 an answer without end is read up to a limit; what came before it counts', async (t) => {
  t.deepEqual(kindsOf(await repliesTo(t, 2, endless)), [done, unknown]);
});

test('K2 a refusal of the whole batch is read up to a limit too', async (t) => {
  const replies = await repliesTo(t, 2, (response) => {
    response.writeHead(503).write('x'.repeat(limits.outcomeBodyBytes));
    response.end('x');
  });
  const error = 'batch: answered with more than a batch may have';
  t.deepEqual(replies, Array(2).fill({ kind: 'unknown', error }));
});

test.serial('planted batches-without-end: the check above sees it', async (t) => {
  plant(t, 'batches-without-end');
  t.deepEqual(kindsOf(await repliesTo(t, 2, endless)), [done, done]);
});

test.serial('planted outcomes-by-place: too few outcomes would be taken for those of others', async (t) => {
  plant(t, 'outcomes-by-place');
  const replies = await repliesTo(t, 2, (response) => answerWith(response, { outcomes: [fine] }));
  t.deepEqual(kindsOf(replies), [done, unknown]);
});

test('K5 a connection that is closed in the middle leaves what has no outcome yet unknown', async (t) => {
  const replies = await repliesTo(t, 2, (response) => {
    response.writeHead(200, { 'content-type': ndjson });
    response.write(line({ index: 1, ...fine }), () => setImmediate(() => response.destroy()));
  });
  t.deepEqual(kindsOf(replies), [unknown, done]);
});

/** Under a clock that stands still, so that nothing is over before it is said to be. */
async function onTheClock(t: ExecutionContext, answer: (response: ServerResponse) => unknown) {
  const clock = manualClock();
  const there = await host(t, answer);
  const { registry } = registryOn(undefined, clock);
  await registry.register(instance({ url: there.url, batch: true }));
  const http = transport(t, { registry, clock });
  return { clock, got: there.got, send: (ms: number) => http.send(commands(1, { expiresAt: clock.now() + ms })[0]!) };
}

test('K3 every command of a batch has its own deadline, however slowly the answer comes', async (t) => {
  const { clock, send } = await onTheClock(t, (response) => {
    response.writeHead(200, { 'content-type': ndjson });
    response.write(line({ index: 1, ...fine }));
  });
  const [slow, fast] = [send(5000), send(5000)];
  t.is((await fast).kind, done);
  clock.advance(5000);
  t.deepEqual(await slow, { kind: 'unknown', error: 'batch: no outcome in time' });
});

test('K3 a command whose time is over leaves the others theirs', async (t) => {
  const asked = signal();
  const over = signal();
  const { clock, send } = await onTheClock(t, async (response) => {
    asked.give();
    await over.came;
    answerWith(response, { outcomes: [fine, fine] });
  });
  const [short, long] = [send(200), send(5000)];
  await asked.came;
  clock.advance(200);
  t.is((await short).kind, unknown);
  over.give();
  t.is((await long).kind, done);
});

for (const setBy of [300, -300]) {
  test(`C7 a command is over though the clock was set by ${setBy} ms after it became ready`, async (t) => {
    const { clock, send, got } = await onTheClock(t, (response) => answerWith(response, { outcomes: [fine, fine] }));
    const replies = [send(200), send(5000), send(5000)];
    clock.set(clock.now() + setBy);
    if (setBy < 0) clock.advance(200);
    t.deepEqual(kindsOf(await Promise.all(replies)), [unknown, done, done]);
    t.is(got[0]?.items.length, 2);
  });
}

test('an end that never comes after all outcomes keeps nobody', async (t) => {
  const replies = await repliesTo(t, 2, (response) => {
    response.writeHead(200, { 'content-type': ndjson });
    response.write(line({ index: 0, ...fine }) + line({ index: 1, ...fine }));
  });
  t.deepEqual(kindsOf(replies), [done, done]);
});
