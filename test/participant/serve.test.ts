import test from 'ava';
import express from 'express';
import { saga } from '../../sdk/participant/define.js';
import { type ServeOptions, serve } from '../../sdk/participant/serve.js';
import { gate, httpServer, payment, plant, secretOf, send, standIn, startHost } from './hosting.js';

const nothing = async (): Promise<void> => undefined;

/** A handler that waits at a gate before its effect. */
function waiting() {
  const effects: string[] = [];
  const door = gate();
  const charge = saga({
    fence: 'none',
    action: async (_: unknown, { xid }) => {
      await door.wait();
      effects.push(xid);
      return { ok: true };
    },
    compensate: nothing,
  });
  return { effects, door, participants: [payment({ charge })] };
}

/** Resolves when a host says that it is stopping. */
async function stopping(url: string): Promise<void> {
  for (;;) {
    const { body } = await send(url, 'healthz', { method: 'GET' });
    if (body.status === 'stopping') return;
  }
}

test('A15 a host that closes takes itself out of traffic, lets what runs finish and takes nothing new', async (t) => {
  const { effects, door, participants } = waiting();
  const coordinator = await standIn(t);
  const host = await startHost(t, { participants, coordinator: coordinator.url });
  const running = send(host.url, 'charge/action', { xid: 'x1' });
  await door.arrived;
  const closing = host.close();
  await coordinator.until(({ method }) => method === 'DELETE');
  await stopping(host.url);
  const late = await send(host.url, 'charge/action', { xid: 'x2' });
  t.deepEqual([late.status, late.body.code, late.headers['retry-after']], [503, 'stopping', '1']);
  door.release();
  t.deepEqual((await running).body, { ok: true });
  await closing;
  t.deepEqual(effects, ['x1']);
  await t.throwsAsync(send(host.url, 'charge/action'));
  t.is(host.close(), host.close());
});

test.serial('without its grace time a host would close over what runs (A15)', async (t) => {
  plant(t, 'stop-without-drain');
  const { effects, door, participants } = waiting();
  const host = await startHost(t, { participants });
  const running = send(host.url, 'charge/action').catch(() => 'lost');
  await door.arrived;
  await host.close();
  t.is(await running, 'lost');
  t.deepEqual(effects, []);
  door.release();
});

const { secret } = secretOf(1);
const { participants } = waiting();
const local = { participants, coordinator: 'http://127.0.0.1:9' };

const refused: readonly [string, unknown, RegExp][] = [
  ['nowhere to listen', local, /expected listen .* or publicUrl/],
  ['a bad address', { ...local, listen: '8091' }, /listen: expected host:port.*"8091"/],
  [
    'every address without a public one',
    { ...local, listen: '0.0.0.0:0', signingSecret: secret },
    /publicUrl: expected the address/,
  ],
  [
    'an open address without a secret',
    { ...local, listen: '192.0.2.1:0' },
    /expected a signingSecret, as 192\.0\.2\.1 .*insecure: true/,
  ],
  ['a public URL without a secret', { ...local, publicUrl: 'https://pay.example' }, /expected a signingSecret/],
  ['a public URL with a query', { ...local, publicUrl: 'http://127.0.0.1/?a=1' }, /publicUrl: expected http or https/],
  ['no options', undefined, /^serve: expected options as an object, .* got undefined/],
  ['an option that is none', { ...local, listen: '127.0.0.1:0', timeoutMs: 1 }, /got "timeoutMs"/],
  ['a queue', { ...local, listen: '127.0.0.1:0', queue: 'memory' }, /^queue: comes with a later version/],
  [
    'no list of participants',
    { coordinator: local.coordinator, listen: '127.0.0.1:0' },
    /^participants: expected a list .*, got nothing/,
  ],
  [
    'one participant without its list',
    { ...local, participants: participants[0], listen: '127.0.0.1:0' },
    /^participants: expected a list .*, got one object/,
  ],
  ['a short ttl', { ...local, listen: '127.0.0.1:0', ttlMs: 10 }, /ttlMs: expected whole ms from 1000/],
  [
    'a bad coordinator',
    { participants, coordinator: 'nowhere', listen: '127.0.0.1:0' },
    /expected the address of a coordinator/,
  ],
];

for (const [what, options, expected] of refused) {
  test(`${what} is told at start, in words that say what to do`, async (t) => {
    await t.throwsAsync(serve(options as ServeOptions), { instanceOf: TypeError, message: expected });
  });
}

test('an address that is taken is told at start', async (t) => {
  const { url } = await startHost(t, { participants });
  await t.throwsAsync(startHost(t, { participants, listen: new URL(url).host }), { code: 'EADDRINUSE' });
});

/** An express app with a host under `/concordat`, behind what comes before it. */
async function mounted(t: Parameters<typeof startHost>[0], before: express.RequestHandler[] = []) {
  const effects: unknown[] = [];
  const charge = saga({
    fence: 'none',
    action: async (input: unknown) => void effects.push(input),
    compensate: nothing,
  });
  const app = express();
  const url = `${await httpServer(t, app)}/concordat`;
  const { handle } = await startHost(t, { participants: [payment({ charge })], listen: undefined, publicUrl: url });
  for (const each of before) app.use(each);
  app.use('/concordat', handle);
  app.get('/concordat/hello', (_, response) => void response.send('hello'));
  return { url, effects };
}

test('a host is mounted in an express app, beside other routes', async (t) => {
  const { url, effects } = await mounted(t);
  t.is((await send(url, 'charge/action', { input: 1 })).status, 200);
  t.is((await send(url, 'payment/charge/action?x=1', { input: 2, raw: undefined })).status, 400);
  t.deepEqual(effects, [1]);
  t.is(await fetch(`${url}/hello`).then((answer) => answer.text()), 'hello');
  const unknown = await send(url, 'refund/action');
  t.deepEqual([unknown.status, unknown.body.code], [404, 'route_not_found']);
});

test('mounted at the root it leaves to the application what is no command, also from inside of a transaction', async (t) => {
  const app = express();
  const url = await httpServer(t, app);
  const charge = saga({ fence: 'none', action: async () => 'done', compensate: nothing });
  const { handle } = await startHost(t, { participants: [payment({ charge })], listen: undefined, publicUrl: url });
  app.use(handle);
  app.get(['/hello', '/healthz'], (_, response) => void response.send('of the application'));
  for (const path of ['hello', 'healthz']) {
    const answer = await fetch(`${url}/${path}`, { headers: { 'concordat-xid': 'x1' } });
    t.is(await answer.text(), 'of the application');
  }
  t.is((await send(url, 'charge/action')).status, 200);
  t.is((await send(url, 'refund/action')).body.code, 'route_not_found');
});

test('a body parser before the host is found out, in words that say what to do', async (t) => {
  const { url, effects } = await mounted(t, [express.json()]);
  const answer = await send(url, 'charge/action', { input: 1 });
  t.is(answer.status, 500);
  t.regex(answer.body.detail, /mount host\.handle before express\.json\(\)/);
  t.deepEqual(effects, []);
});

test('a parser that leaves the bytes as they are does no harm', async (t) => {
  const { url, effects } = await mounted(t, [express.raw({ type: () => true })]);
  t.is((await send(url, 'charge/action', { input: 1 })).status, 200);
  t.deepEqual(effects, [1]);
});

test('a host behind a proxy that leaves the path as it is takes commands under its public path', async (t) => {
  const charge = saga({ fence: 'none', action: nothing, compensate: nothing });
  const publicUrl = 'http://127.0.0.1:9/payment';
  const { url, listening = '' } = await startHost(t, { participants: [payment({ charge })], publicUrl });
  t.is(url, publicUrl);
  for (const path of ['charge/action', 'payment/charge/action', 'payment/payment/charge/action'])
    t.is((await send(listening, path)).status, 200, path);
});
