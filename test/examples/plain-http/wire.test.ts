import { createHmac } from 'node:crypto';
import test from 'ava';
import { bodyOf, ledger, rows, type Send, send, startService } from './shop.js';

const input = { customer: 'ann', amountCents: 700 };
const now = 1_800_000_000_000;
const keys = [Buffer.alloc(24, 1), Buffer.alloc(32, 2)];
const secret = keys.map((key) => `whsec_${key.toString('base64')}`).join(' ');

/** Headers of a signed command, with what a test wants to be wrong. */
function signed(options: { key?: Buffer; id?: string; at?: number; body?: string } = {}): Send {
  const { key = keys[0]!, id = 'origin-1-x1-1-action', at = now, body = bodyOf('action', { input }) } = options;
  const timestamp = String(Math.floor(at / 1000));
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,AAAA v2,x v1,${mac}` };
  return { input, headers };
}

const accepted: readonly [string, Send][] = [
  ['signed with the first secret', signed()],
  ['signed with the second secret, while they rotate', signed({ key: keys[1]! })],
  ['signed four minutes ago', signed({ at: now - 4 * 60_000 })],
];

for (const [what, options] of accepted) {
  test(`C11 L6 a command ${what} is taken`, async (t) => {
    const { url, db } = await startService(t, 'payment', { secret, now: () => now });
    t.is((await send(url, 'charge', 'action', options)).status, 200);
    t.is((await ledger(db)).length, 1);
  });
}

const forged: readonly [string, Send][] = [
  ['without a signature', { input }],
  ['signed with another secret', signed({ key: Buffer.alloc(24, 3) })],
  ['whose body was changed', { ...signed(), input: { ...input, amountCents: 1 } }],
  ['of another branch', { ...signed(), branch: 2 }],
  ['of another origin', { ...signed(), origin: 'origin-2' }],
  ['signed six minutes ago', signed({ at: now - 6 * 60_000 })],
  ['signed in six minutes', signed({ at: now + 6 * 60_000 })],
  ['whose timestamp is no number', { ...signed(), headers: { ...signed().headers, 'webhook-timestamp': 'soon' } }],
];

for (const [what, options] of forged) {
  test(`C11 F8 a command ${what} gets 401 and leaves no trace`, async (t) => {
    const { url, db } = await startService(t, 'payment', { secret, now: () => now });
    const answer = await send(url, 'charge', 'action', options);
    t.deepEqual([answer.status, answer.code], [401, 'signature_invalid']);
    t.deepEqual(await rows(db, 'select * from inbox'), []);
  });
}

test('a signing secret that is none is told at start', async (t) => {
  await t.throwsAsync(startService(t, 'payment', { secret: 'hunter2' }), { message: /expected whsec_/ });
});

test('G2 C7 a command past its expiry is dropped', async (t) => {
  const { url, db } = await startService(t, 'payment', { now: () => now });
  const late = await send(url, 'charge', 'action', { input, headers: { 'concordat-expires': String(now) } });
  t.deepEqual([late.status, late.code], [408, 'expired']);
  t.deepEqual(await rows(db, 'select * from inbox'), []);
  const timely = await send(url, 'charge', 'action', { input, headers: { 'concordat-expires': String(now + 1) } });
  t.is(timely.status, 200);
});

test('G2 a command that expires while it waits for the database is dropped too', async (t) => {
  let looks = 0;
  // It looks at the clock twice before its transaction, and then again in it.
  const { url, db } = await startService(t, 'payment', { now: () => (++looks > 2 ? now + 10 : now) });
  const late = await send(url, 'charge', 'action', { input, headers: { 'concordat-expires': String(now + 5) } });
  t.is(late.status, 408);
  t.deepEqual(await rows(db, 'select * from inbox'), []);
});

const malformed: readonly [string, string, string, Send, number][] = [
  ['a path that does not exist', 'refund', 'action', { input }, 404],
  ['an op of another kind', 'charge', 'try', { input }, 404],
  ['a handler named like a property of every object', 'constructor', 'action', { input }, 404],
  ['a body that is not JSON', 'charge', 'action', { raw: '{' }, 400],
  ['a body that is no object', 'charge', 'action', { raw: '[]' }, 400],
  ['a body with a __proto__ key', 'charge', 'action', { raw: '{"__proto__": {}}' }, 400],
  ['no body', 'charge', 'action', { raw: '' }, 400],
  ['a body that is too large', 'charge', 'action', { raw: ' '.repeat(1024 * 1024 + 1) }, 413],
  ['a compressed body', 'charge', 'action', { input, headers: { 'content-encoding': 'gzip' } }, 415],
  ['a body of another op', 'charge', 'action', { raw: bodyOf('compensate', { input }) }, 400],
  ['a bad xid', 'charge', 'action', { input, xid: '-x' }, 400],
  ['a bad branch', 'charge', 'action', { input, branch: 0 }, 400],
  ['a bad expiry', 'charge', 'action', { input, headers: { 'concordat-expires': 'soon' } }, 400],
];

for (const [what, handler, op, options, status] of malformed) {
  test(`K6 ${what} gets ${status}, which no coordinator takes for a business no`, async (t) => {
    const { url, db } = await startService(t, 'payment');
    const answer = await send(url, handler, op, options);
    t.is(answer.status, status);
    t.is(answer.headers['content-type'], 'application/problem+json; charset=utf-8');
    t.deepEqual(await rows(db, 'select * from inbox'), []);
  });
}
