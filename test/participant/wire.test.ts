import test, { type ExecutionContext } from 'ava';
import { readAnswer } from '../../coordinator/dispatch/answer.js';
import { coordinatorTime } from '../../sdk/participant/coordinator-time.js';
import { saga, tcc } from '../../sdk/participant/define.js';
import { Pending, Refused } from '../../sdk/protocol/answers.js';
import { manualClock } from '../helpers/clock.js';
import {
  headersOf,
  keptLog,
  payment,
  plant,
  post,
  type Send,
  secretOf,
  send,
  signatureOf,
  standIn,
  startHost,
} from './hosting.js';

const nothing = async (): Promise<void> => undefined;

/** A handler that notes the inputs of what it carried out. */
function noting() {
  const effects: unknown[] = [];
  const charge = saga({
    fence: 'none',
    action: async (input: { readonly cents: number }) => {
      effects.push(input);
      return { paid: input.cents };
    },
    compensate: nothing,
  });
  return { effects, participants: [payment({ charge })] };
}

test('a command is carried out, and what its handler returned is the answer', async (t) => {
  const { effects, participants } = noting();
  const { url } = await startHost(t, { participants });
  const short = await send(url, 'charge/action', { input: { cents: 7 } });
  t.deepEqual([short.status, short.headers['content-type'], short.body], [200, 'application/json', { paid: 7 }]);
  const long = await send(url, 'payment/charge/action', { input: { cents: 8 }, branch: 2 });
  t.deepEqual([long.status, long.body], [200, { paid: 8 }]);
  t.deepEqual(effects, [{ cents: 7 }, { cents: 8 }]);
});

test('several participants are reached by their names only', async (t) => {
  const { participants } = noting();
  const stock = { ...payment({ charge: participants[0]!.handlers.get('charge')! }), name: 'stock' };
  const { url } = await startHost(t, { participants: [...participants, stock] });
  t.is((await send(url, 'stock/charge/action')).status, 200);
  t.is((await send(url, 'payment/charge/action')).status, 200);
  t.is((await send(url, 'charge/action')).status, 404);
});

test('what a handler says is told as the participant protocol has it', async (t) => {
  const log = keptLog();
  const says = (action: () => Promise<unknown>) => saga({ fence: 'none', action, compensate: nothing });
  const { url } = await startHost(t, {
    log,
    participants: [
      payment({
        empty: says(nothing),
        refused: says(() => Promise.reject(new Refused('no money left', { code: 'insufficient_funds' }))),
        plain: says(() => Promise.reject(new Refused('no'))),
        later: says(() => Promise.reject(new Pending({ retryAfterMs: 1001 }))),
        broken: says(() => Promise.reject(new Error('password hunter2 is wrong'))),
      }),
    ],
  });
  const empty = await send(url, 'empty/action');
  t.deepEqual([empty.status, empty.body], [200, null]);
  const refused = await send(url, 'refused/action');
  t.deepEqual(
    [refused.status, refused.headers['content-type'], refused.body.detail, refused.body.code],
    [409, 'application/problem+json', 'no money left', 'insufficient_funds'],
  );
  const plain = await send(url, 'plain/action');
  t.deepEqual([plain.status, plain.body.detail, 'code' in plain.body], [409, 'no', false]);
  const later = await send(url, 'later/action');
  t.deepEqual([later.status, later.headers['retry-after'], later.text], [202, '2', '']);
  const broken = await send(url, 'broken/action');
  t.deepEqual([broken.status, broken.body.code, broken.text.includes('hunter2')], [500, 'internal', false]);
  const [line] = log.lines.filter(({ level }) => level === 'error');
  t.like(line?.fields, { participant: 'payment', handler: 'broken', op: 'action', xid: 'x1', branch: '1' });
  t.true(String(line?.fields.error).includes('hunter2'));
});

const now = Date.UTC(2030, 0, 1);
const [old, current] = [secretOf(1), secretOf(2)];
const signingSecret = `${old.secret} ${current.secret}`;
const input = { cents: 700 };
const id = 'origin-1-x1-1-action';
const body = JSON.stringify({ xid: 'x1', branch: 1, id: 'step', op: 'action', input });

const signed = (
  options: { key?: Buffer; id?: string; at?: number; body?: string; by?: (mac: string) => string } = {},
) => {
  const made = signatureOf(options.body ?? body, { key: old.key, id, at: now, ...options });
  const { by = (mac: string) => mac } = options;
  return { input, headers: { ...made, 'webhook-signature': by(made['webhook-signature']) } } satisfies Send;
};

const accepted: readonly [string, Send][] = [
  ['signed with the first secret', signed()],
  ['signed with the second secret, while they rotate', signed({ key: current.key })],
  ['signed with a secret of the sender alone as well', signed({ by: (mac) => `v1,AAAA v2,x v1,!! ${mac}` })],
  ['signed four minutes ago', signed({ at: now - 4 * 60_000 })],
];

for (const [what, options] of accepted) {
  test(`C11 L6 a command ${what} is taken`, async (t) => {
    const { effects, participants } = noting();
    const { url } = await startHost(t, { participants, signingSecret, clock: manualClock(now) });
    t.is((await send(url, 'charge/action', options)).status, 200);
    t.deepEqual(effects, [input]);
  });
}

const forged: readonly [string, Send][] = [
  ['without a signature', { input }],
  ['signed with another secret', signed({ key: secretOf(3).key })],
  ['whose body was changed', { ...signed(), input: { cents: 1 } }],
  ['of another branch', { ...signed(), branch: 2 }],
  ['of another origin', { ...signed(), origin: 'origin-2' }],
  ['whose signature is cut short', signed({ by: (mac) => mac.slice(0, 12) })],
  ['whose timestamp is no number', { ...signed(), headers: { ...signed().headers, 'webhook-timestamp': 'soon' } }],
];

for (const [what, options] of forged) {
  test(`C11 a command ${what} gets 401 and leaves no trace`, async (t) => {
    const { effects, participants } = noting();
    const { url } = await startHost(t, { participants, signingSecret, clock: manualClock(now) });
    const answer = await send(url, 'charge/action', options);
    t.deepEqual([answer.status, answer.body.code], [401, 'signature_invalid']);
    t.deepEqual(effects, []);
  });
}

for (const [what, at] of [
  ['six minutes ago', now - 6 * 60_000],
  ['in six minutes', now + 6 * 60_000],
] as const) {
  test(`C11 F8 a command signed ${what} gets 401, in words that tell of a clock`, async (t) => {
    const { effects, participants } = noting();
    const { url } = await startHost(t, { participants, signingSecret, clock: manualClock(now) });
    const answer = await send(url, 'charge/action', signed({ at }));
    t.is(answer.status, 401);
    t.regex(answer.body.detail, /timestamp/);
    t.deepEqual(effects, []);
  });
}

test('C11 a signing secret that is none is told at start', async (t) => {
  await t.throwsAsync(startHost(t, { participants: noting().participants, signingSecret: 'hunter2' }), {
    instanceOf: TypeError,
    message: /expected "whsec_".*got 7 characters/,
  });
});

test('G2 C7 a command past its expiry is dropped', async (t) => {
  const { effects, participants } = noting();
  const { url } = await startHost(t, { participants, clock: manualClock(now) });
  const late = await send(url, 'charge/action', { input, headers: { 'concordat-expires': String(now) } });
  t.deepEqual([late.status, late.body.code], [408, 'expired']);
  t.deepEqual(effects, []);
  t.is((await send(url, 'charge/action', { input, headers: { 'concordat-expires': String(now + 1) } })).status, 200);
});

/** A host whose clock is a minute ahead, as it is told at its registration. */
async function ahead(t: ExecutionContext) {
  const { effects, participants } = noting();
  const clock = manualClock(now + 60_000);
  const expiresAt = new Date(now + 30_000).toISOString();
  const body = { participant: 'payment', id: 'i', origin: 'origin-1', expiresAt, fenceFloor: expiresAt };
  const { url: coordinator } = await standIn(t, () => ({ status: 200, body }));
  const { url } = await startHost(t, { participants, clock, coordinator });
  const charge = (expires: number, more: Send = {}) =>
    send(url, 'charge/action', { input, ...more, headers: { 'concordat-expires': String(expires) } });
  return { url, charge, clock, effects };
}

test('F8 a command expires by the clock that sent it, and not by that of its host', async (t) => {
  const { charge, clock, effects } = await ahead(t);
  t.is((await charge(now + 1)).status, 200);
  t.is((await charge(now)).body.code, 'expired');
  clock.advance(1000);
  t.is((await charge(now + 1000)).body.code, 'expired');
  t.is((await charge(now + 1001)).status, 200);
  t.is(effects.length, 2);
});

test('F8 so does a command of a batch', async (t) => {
  const { url, effects } = await ahead(t);
  const commands = [now + 1, now].map((expires) => ({
    path: '/charge/action',
    headers: { ...headersOf(), 'concordat-expires': String(expires) },
    body: { ...one },
  }));
  const { body: answered } = await post(`${url}/_batch`, JSON.stringify({ commands }));
  t.deepEqual(
    answered.outcomes.map(({ status }: { status: number }) => status),
    [200, 408],
  );
  t.is(effects.length, 1);
});

test('F8 a coordinator that nothing was heard of is taken to have the clock of the host', async (t) => {
  const { charge, clock } = await ahead(t);
  t.is((await charge(clock.now(), { origin: 'origin-2' })).status, 408);
  t.is((await charge(clock.now() + 1, { origin: 'origin-2' })).status, 200);
});

test('F2 G2 a time that was long on its way is not believed, and none makes a command live longer', (t) => {
  const clock = manualClock(now);
  const time = coordinatorTime(clock);
  clock.advance(1001);
  time.heard('origin-1', now - 60_000, 0);
  time.heard('origin-1', Number.NaN, clock.monotonic());
  t.is(time.toLocal('origin-1', 5), 5);
  time.heard('origin-1', now - 60_000, 1);
  t.is(time.toLocal('origin-1', now - 60_000), clock.now());
  // The machine slept for an hour, or somebody set its clock: until the next registration nobody knows which.
  const sleptAt = clock.now();
  clock.set(sleptAt + 3600_000);
  t.is(time.toLocal('origin-1', now - 60_000), sleptAt);
  clock.set(now);
  t.true(time.toLocal('origin-1', now - 60_000) <= clock.now());
});

test('F8 a host tells a missing signature from a clock that is off, and the coordinator hears which', async (t) => {
  const { participants } = noting();
  const { url } = await startHost(t, { participants, signingSecret, clock: manualClock(now) });
  const errorOf = async (options: Send): Promise<string> => {
    const { status, headers, text } = await send(url, 'charge/action', options);
    const type = { 'content-type': String(headers['content-type']) };
    const reply = readAnswer({ status, headers: type, body: Buffer.from(text) }, 'action', now);
    return reply.kind === 'unknown' ? reply.error : reply.kind;
  };
  const unsigned = await errorOf({ input });
  t.regex(unsigned, /expected a signed command.*CONCORDAT_SIGNING_SECRET/);
  t.notRegex(unsigned, /clock|timestamp/);
  t.regex(await errorOf(signed({ at: now - 6 * 60_000 })), /clock/);
});

test('L2 an op of the kind that a handler had before is told from a path that never was', async (t) => {
  const { effects, participants } = noting();
  const { url } = await startHost(t, { participants });
  for (const path of ['charge/cancel', 'payment/charge/cancel']) {
    const { status, body } = await send(url, path);
    t.deepEqual([status, body.code], [404, 'unknown_op']);
    t.regex(body.detail, /^handler charge of payment is saga now, the branch is tcc: bring the old one back/);
  }
  const commands = [{ path: '/charge/cancel', headers: headersOf(), body: { ...one, op: 'cancel' } }];
  const { body } = await post(`${url}/_batch`, JSON.stringify({ commands }));
  t.is(body.outcomes[0].body.code, 'unknown_op');
  t.is((await send(url, 'refund/cancel')).body.code, 'route_not_found');
  t.deepEqual(effects, []);
});

const one = { xid: 'x1', branch: 1, id: 'step', op: 'action', input };
const raw = (change: object): Send => ({ raw: JSON.stringify({ ...one, ...change }) });

const malformed: readonly [string, string, Send, number][] = [
  ['a handler that does not exist', 'refund/action', {}, 404],
  ['an op of another kind', 'charge/try', {}, 404],
  ['a handler named like a property of every object', 'constructor/action', {}, 404],
  ['a GET', 'charge/action', { method: 'GET' }, 405],
  ['a body that is not JSON', 'charge/action', { raw: '{' }, 400],
  ['a body that is no object', 'charge/action', { raw: '[]' }, 400],
  ['a body with a __proto__ key', 'charge/action', { raw: '{"__proto__": {}}' }, 400],
  ['no body', 'charge/action', { raw: '' }, 400],
  ['a body of another op', 'charge/action', raw({ op: 'compensate' }), 400],
  ['a body of another transaction', 'charge/action', raw({ xid: 'x2' }), 400],
  ['a body of another branch', 'charge/action', raw({ branch: 2 }), 400],
  ['a body without an id', 'charge/action', raw({ id: undefined }), 400],
  ['a body with a strange fact', 'charge/action', raw({ forward: 'perhaps' }), 400],
  ['a body that is too large', 'charge/action', { raw: ' '.repeat(3 * 1024 * 1024 + 64 * 1024 + 1) }, 413],
  ['a compressed body', 'charge/action', { headers: { 'content-encoding': 'gzip' } }, 415],
  ['a body of another media type', 'charge/action', { headers: { 'content-type': 'text/plain' } }, 415],
  ['no origin', 'charge/action', { headers: { 'concordat-origin': undefined } }, 400],
  ['a bad xid', 'charge/action', { xid: '-x' }, 400],
  ['a bad branch', 'charge/action', { branch: 0 }, 400],
  ['a bad attempt', 'charge/action', { headers: { 'concordat-attempt': '0' } }, 400],
  ['a bad expiry', 'charge/action', { headers: { 'concordat-expires': 'soon' } }, 400],
];

for (const [what, path, options, status] of malformed) {
  test(`K6 K7 ${what} gets ${status}, which no coordinator takes for a business no`, async (t) => {
    const { effects, participants } = noting();
    const { url } = await startHost(t, { participants });
    const answer = await send(url, path, options);
    t.is(answer.status, status);
    t.is(answer.headers['content-type'], 'application/problem+json');
    t.deepEqual(effects, []);
  });
}

test('L3 fields that this version does not know are let through', async (t) => {
  const { effects, participants } = noting();
  const { url } = await startHost(t, { participants });
  t.is((await send(url, 'charge/action', raw({ priority: 'high' }))).status, 200);
  t.deepEqual(effects, [input]);
});

test('a command as large as inputs and outputs can be is taken', async (t) => {
  const sizes: number[] = [];
  const reserve = tcc({
    fence: 'none',
    try: async (_: string) => 'reserved',
    confirm: async (given, { output }) => void sizes.push(given.length, output.length),
    cancel: nothing,
  });
  const { url } = await startHost(t, { participants: [payment({ reserve })] });
  const sized = { input: 'i'.repeat(2 * 1024 * 1024 - 2), output: 'o'.repeat(1024 * 1024 - 2), forward: 'done' };
  t.is((await send(url, 'reserve/confirm', sized)).status, 200);
  t.is(sizes[0], 2 * 1024 * 1024 - 2);
});

const pages: readonly [string, Record<string, string>, number][] = [
  ['by a name that points here', { host: 'evil.example' }, 421],
  ['with the Origin of a page', { origin: 'https://evil.example' }, 403],
  ['as a plain post of a form', { 'content-type': 'text/plain' }, 415],
];

for (const [what, headers, status] of pages) {
  test(`a web page that reaches an unsigned host ${what} gets ${status}`, async (t) => {
    const { effects, participants } = noting();
    const { url } = await startHost(t, { participants });
    t.is((await send(url, 'charge/action', { input, headers })).status, status);
    t.deepEqual(effects, []);
  });
}

test('a host tells that it is alive and whom it serves', async (t) => {
  const { url } = await startHost(t, { participants: noting().participants });
  const got = await send(url, 'healthz', { method: 'GET' });
  t.deepEqual([got.status, got.body], [200, { status: 'ok', participants: ['payment'] }]);
});

test.serial('without its signature check a host would take what anybody sends (C11)', async (t) => {
  plant(t, 'take-any-signature', 'headers-untied');
  const { effects, participants } = noting();
  const { url } = await startHost(t, { participants, signingSecret });
  t.is((await send(url, 'charge/action', { input })).status, 200);
  t.deepEqual(effects, [input]);
});

test.serial('without the tie of headers to the signature another origin could be claimed (C11)', async (t) => {
  plant(t, 'headers-untied');
  const { participants } = noting();
  const { url } = await startHost(t, { participants, signingSecret, clock: manualClock(now) });
  t.is((await send(url, 'charge/action', { ...signed(), origin: 'origin-2' })).status, 200);
});

test.serial('without the expiry a late command would be carried out (C7)', async (t) => {
  plant(t, 'run-expired-commands');
  const { effects, participants } = noting();
  const { url } = await startHost(t, { participants, clock: manualClock(now) });
  await send(url, 'charge/action', { input, headers: { 'concordat-expires': String(now - 1) } });
  t.deepEqual(effects, [input]);
});
