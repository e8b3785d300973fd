import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../coordinator/clock.js';
import { tokenFor } from '../../coordinator/dispatch/token.js';
import { armed } from '../../coordinator/faults/armed.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { manualClock } from '../helpers/clock.js';
import { bodyOf, command, httpParticipant, plant, signal, tokenKey, transport } from './participants.js';

const oldSecret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const newSecret = `whsec_${Buffer.alloc(24, 2).toString('base64')}`;

interface Seen {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A participant that writes down what it gets and answers 200 with nothing. */
async function listener(t: ExecutionContext): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const url = await httpParticipant(t, async (request, response) => {
    seen.push({ method: request.method, path: request.url, headers: request.headers, body: await bodyOf(request) });
    response.end();
  });
  return { url, seen };
}

test('a command is a POST to the URL and its op, with the headers and the body of the protocol', async (t) => {
  const { url, seen } = await listener(t);
  const sent = command(
    `${url}/pay/charge/`,
    { xid: 'order-1.a:b_c' as Xid, branch: 3, output: { ok: true } },
    { attempt: 7 },
  );
  t.deepEqual(await transport(t).send(sent), { kind: 'done', output: null });
  const [got] = seen;
  t.is(got?.method, 'POST');
  t.is(got?.path, '/pay/charge/action');
  t.deepEqual(JSON.parse(got!.body), sent.body);
  t.like(got?.headers, {
    'content-type': 'application/json',
    accept: 'application/json',
    'concordat-origin': 'origin1',
    'concordat-xid': 'order-1.a:b_c',
    'concordat-branch': '3',
    'concordat-attempt': '7',
    'concordat-expires': String(sent.expiresAt),
    'concordat-token': tokenFor(tokenKey, 'order-1.a:b_c', 3, 'action'),
    'webhook-id': 'origin1-order-1.a:b_c-3-action',
  });
  t.regex(String(got?.headers.traceparent), /^00-0af7651916cd43dd8448eb211c80319c-(?!0{16})[0-9a-f]{16}-01$/);
  t.false('webhook-signature' in got!.headers);
});

test('a repeat has the same webhook-id and a span of its own', async (t) => {
  const { url, seen } = await listener(t);
  const http = transport(t);
  const first = command(url);
  await http.send(first);
  await http.send({ ...first, attempt: 2 });
  await http.send({ ...first, body: { ...first.body, op: 'compensate' } });
  t.is(seen[0]?.headers['webhook-id'], seen[1]?.headers['webhook-id']);
  t.not(seen[0]?.headers['webhook-id'], seen[2]?.headers['webhook-id']);
  t.is(new Set(seen.map(({ headers }) => headers.traceparent)).size, 3);
});

/** Written from the Standard Webhooks specification, not from the code that signs. */
function isSigned(secret: string, { headers, body }: Seen): boolean {
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = createHmac('sha256', key).update(content, 'utf8').digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .map((signature) => signature.split(','))
    .some(([version, value]) => {
      const got = Buffer.from(value ?? '', 'base64');
      return version === 'v1' && got.length === expected.length && timingSafeEqual(got, expected);
    });
}

test('C11 a command is signed with every secret, over its id, the time in seconds and its very bytes', async (t) => {
  const { url, seen } = await listener(t);
  const http = transport(t, { signingSecrets: [oldSecret, newSecret] });
  await http.send(command(url, { input: { name: 'Zoë 😀' } }));
  const [got] = seen;
  t.true(isSigned(oldSecret, got!));
  t.true(isSigned(newSecret, got!));
  t.false(isSigned(`whsec_${Buffer.alloc(32, 3).toString('base64')}`, got!));
  t.false(isSigned(oldSecret, { ...got!, body: `${got!.body} ` }));
  t.true(Math.abs(Number(got?.headers['webhook-timestamp']) - Date.now() / 1000) < 5);
});

test("F8 the signature's time is the store's clock, not this machine's", async (t) => {
  const { url, seen } = await listener(t);
  const clock = systemClock();
  clock.set(1_900_000_000_500);
  const http = transport(t, { signingSecrets: [oldSecret], clock });
  t.is((await http.send(command(url, {}, { expiresAt: 1_900_000_010_000 }))).kind, 'done');
  t.is(seen[0]?.headers['webhook-timestamp'], '1900000000');
});

test.serial('C11 without signing, a participant would not know a forged command', async (t) => {
  plant(t, 'unsigned-commands');
  const { url, seen } = await listener(t);
  await transport(t, { signingSecrets: [oldSecret] }).send(command(url));
  t.false(isSigned(oldSecret, seen[0]!));
});

test('a secret of another form is refused at the start, and not shown', (t) => {
  for (const secret of ['open sesame', 'whsec_c2hvcnQ=', `whsec_${'!'.repeat(40)}`, `whsec_${'a'.repeat(200)}`]) {
    const error = t.throws(() => transport(t, { signingSecrets: [secret] }), {
      message: /secret 1: expected "whsec_"/,
    });
    t.false(error?.message.includes(secret));
  }
});

test('G2 a command that has expired is not sent', async (t) => {
  const { url, seen } = await listener(t);
  const late = command(url, {}, { expiresAt: Date.now() - 1 });
  t.deepEqual(await transport(t).send(late), { kind: 'unknown', error: 'expired before it was sent', sent: false });
  t.is(seen.length, 0);
});

test.serial('G2 without the check of expiry, an old command would reach the participant', async (t) => {
  plant(t, 'expired-commands-are-sent');
  const { url, seen } = await listener(t);
  await transport(t).send(command(url, {}, { expiresAt: Date.now() - 1 }));
  t.is(seen.length, 1);
});

test('F2 a jump of the wall clock neither ends a call early nor keeps it going', async (t) => {
  const clock = manualClock();
  const arrived = signal();
  const url = await httpParticipant(t, () => arrived.give());
  const pending = transport(t, { clock }).send(command(url, {}, { expiresAt: clock.now() + 10_000 }));
  await arrived.came;
  clock.set(clock.now() + 3_600_000);
  clock.advance(9_999);
  t.is(clock.waiting(), 1);
  clock.advance(1);
  t.deepEqual(await pending, { kind: 'unknown', error: 'no whole answer within 10000 ms' });
});

test('an address that is not allowed gets nothing', async (t) => {
  const http = transport(t);
  t.regex(
    JSON.stringify(await http.send(command('http://192.0.2.1/x'))),
    /not sent: http:\/\/192\.0\.2\.1 is not allowed/,
  );
  t.regex(
    JSON.stringify(await http.send(command('http://127.0.0.1:1/x?a=1'))),
    /not sent: expected a URL without a query/,
  );
  t.regex(JSON.stringify(await http.send(command('nonsense'))), /not sent: expected a URL/);
  t.regex(
    JSON.stringify(await http.send(command({ participant: 'a', handler: 'b' }))),
    /not sent: the target has no URL/,
  );
});

test('nobody listening is unknown at once', async (t) => {
  const reply = await transport(t).send(command('http://127.0.0.1:1/x'));
  t.like(reply, { kind: 'unknown' });
  t.regex(JSON.stringify(reply), /ECONNREFUSED/);
});

test('a call that waits for a connection waits on its own deadline, and is then not sent', async (t) => {
  let requests = 0;
  const url = await httpParticipant(t, () => requests++);
  const http = transport(t, { connectionsPerOrigin: 1 });
  const first = http.send(command(url, {}, { expiresAt: Date.now() + 1000 }));
  const second = await http.send(command(url, {}, { expiresAt: Date.now() + 300 }));
  t.regex(JSON.stringify(second), /expired before it was sent: no connection within/);
  t.is((await first).kind, 'unknown');
  const third = await http.send(command(url, {}, { expiresAt: Date.now() + 1000 }));
  t.regex(JSON.stringify(third), /no whole answer within/);
  t.is(requests, 2);
});

test('what is in flight when the transport closes is unknown, and nothing is sent after', async (t) => {
  const arrived = signal();
  let requests = 0;
  const url = await httpParticipant(t, () => {
    requests++;
    arrived.give();
  });
  const http = transport(t);
  const pending = http.send(command(url));
  await arrived.came;
  await http.close();
  t.is((await pending).kind, 'unknown');
  t.regex(JSON.stringify(await http.send(command(url))), /not sent: this coordinator is stopping/);
  t.is(requests, 1);
});

test.serial('each point where a kill is tested lies where its name says', async (t) => {
  const points: string[] = [];
  armed.onReach = (name) => points.push(name);
  t.teardown(() => {
    armed.onReach = undefined;
  });
  const url = await httpParticipant(t, (request, response) => {
    points.push('participant');
    request.resume();
    response.end();
  });
  await transport(t).send(command(url));
  t.deepEqual(points, ['before-send', 'after-send-before-reply', 'participant', 'after-reply']);
});
