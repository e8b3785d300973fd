import test from 'ava';
import { readAnswer } from '../../coordinator/dispatch/answer.js';
import type { Answer, Reply } from '../../coordinator/dispatch/transport.js';
import type { Op } from '../../sdk/protocol/kinds.js';
import { defaults, limits } from '../../sdk/protocol/limits.js';
import { plant } from './participants.js';

const now = Date.UTC(2030, 0, 1);
const json = { 'content-type': 'application/json' };
const problem = { 'content-type': 'application/problem+json' };

const read = (status: number, headers: Answer['headers'], body: string | Uint8Array = '', op: Op = 'action'): Reply =>
  readAnswer({ status, headers, body: typeof body === 'string' ? Buffer.from(body) : body }, op, now);

const kinds = (replies: readonly Reply[]): string[] => replies.map(({ kind }) => kind);

const errorOf = (reply: Reply): string => (reply.kind === 'unknown' ? reply.error : `not unknown but ${reply.kind}`);

test('a 2xx other than 202 with JSON or empty is done, and an empty body is null', (t) => {
  t.deepEqual(read(200, json, '{"receipt":1}'), { kind: 'done', output: { receipt: 1 } });
  t.deepEqual(read(201, { 'content-type': 'application/hal+json; charset=UTF-8' }, '[1]'), {
    kind: 'done',
    output: [1],
  });
  t.deepEqual(read(204, {}), { kind: 'done', output: null });
  t.deepEqual(read(200, { 'content-type': 'text/html' }), { kind: 'done', output: null });
  t.deepEqual(read(200, {}, '"no content-type"'), { kind: 'done', output: 'no content-type' });
});

test('K1 garbage, HTML, a wrong charset and invalid UTF-8 are unknown and say what came', (t) => {
  t.regex(errorOf(read(200, json, 'OK')), /answered 200: expected JSON.*body: OK/);
  t.regex(errorOf(read(200, { 'content-type': 'text/html' }, '<h1>hi</h1>')), /content-type text\/html.*<h1>hi<\/h1>/);
  t.regex(
    errorOf(read(200, { 'content-type': 'application/json; charset=iso-8859-1' }, '{}')),
    /expected UTF-8.*iso-8859-1/,
  );
  t.regex(errorOf(read(200, json, Buffer.from([0x22, 0xc3, 0x28, 0x22]))), /expected UTF-8/);
  t.regex(
    errorOf(read(200, { 'content-type': 'application/json, text/html' }, '{}')),
    /expected JSON, got content-type/,
  );
  t.regex(errorOf(read(200, {}, 'not JSON')), /expected JSON/);
});

test('K7 __proto__ keys are unknown, however they are written', (t) => {
  t.regex(errorOf(read(200, json, '{"__proto__":{"admin":true}}')), /__proto__/);
  t.regex(errorOf(read(200, json, '{"a":[{"__pr\\u006fto__":1}]}')), /__proto__/);
  t.is(read(409, problem, '{"detail":"no","__proto__":{}}').kind, 'unknown');
});

test('a 409 is refused only with a problem+json that parses to an object', (t) => {
  t.deepEqual(read(409, problem, '{"detail":"card declined","code":"declined"}'), {
    kind: 'refused',
    reason: 'card declined',
    code: 'declined',
  });
  t.deepEqual(read(409, problem, '{"title":"Sold out","code":7}'), { kind: 'refused', reason: 'Sold out' });
  t.deepEqual(read(409, problem, '{}'), { kind: 'refused', reason: 'refused' });
  const others = [
    read(409, json, '{"detail":"no"}'),
    read(409, problem, '{"detail":'),
    read(409, problem, '["no"]'),
    read(409, problem, ''),
    read(409, { 'content-type': 'application/problem+json; charset=utf-16' }, '{"detail":"no"}'),
    read(409, {}, '{"detail":"no"}'),
  ];
  t.deepEqual(
    kinds(others),
    others.map(() => 'unknown'),
  );
});

test('what a participant says is cut to a sane length, on one line, never through half a character', (t) => {
  const reply = read(
    409,
    problem,
    JSON.stringify({ detail: `a\n\u001b[31m\u202e${'😀'.repeat(5000)}`, code: 'c'.repeat(500) }),
  );
  t.is(reply.kind, 'refused');
  if (reply.kind !== 'refused') return;
  t.true(reply.reason.length <= 1000 && reply.reason.startsWith('a [31m 😀'));
  t.is(Buffer.from(reply.reason).toString(), reply.reason);
  t.is(reply.code?.length, 100);
  t.true(errorOf(read(500, {}, `a\u0000b\n${'x'.repeat(100_000)}`)).length < 260);
});

test('202 and 425 are pending with a Retry-After in seconds or as a date, capped, and unknown without', (t) => {
  t.deepEqual(read(202, { 'retry-after': '3' }), { kind: 'pending', retryAfterMs: 3000 });
  t.deepEqual(read(425, { 'retry-after': 'Tue, 01 Jan 2030 00:00:05 GMT' }), { kind: 'pending', retryAfterMs: 5000 });
  t.deepEqual(read(425, { 'retry-after': 'Mon, 31 Dec 2029 00:00:05 GMT' }), { kind: 'pending', retryAfterMs: 0 });
  t.deepEqual(read(202, { 'retry-after': '99999999' }), { kind: 'pending', retryAfterMs: defaults.retryAfterMaxMs });
  for (const wrong of [
    undefined,
    '',
    'soon',
    '-1',
    '1.5',
    '1, 2',
    '0x10',
    '2030-01-01',
    '1e3',
    '99999999999999999999',
  ]) {
    t.regex(errorOf(read(202, { 'retry-after': wrong })), /answered 202: expected a Retry-After/, String(wrong));
  }
});

test('J5 429 and 503 are unknown with their Retry-After, capped', (t) => {
  t.like(read(429, { 'retry-after': '2' }), { kind: 'unknown', retryAfterMs: 2000 });
  t.like(read(503, { 'retry-after': '999999' }), { kind: 'unknown', retryAfterMs: defaults.retryAfterMaxMs });
  t.false('retryAfterMs' in read(503, {}));
  t.false('retryAfterMs' in read(500, { 'retry-after': '2' }));
});

test('K6 404, 405, 401 and every other status are unknown, never a no', (t) => {
  const statuses = [300, 301, 302, 304, 307, 400, 401, 403, 404, 405, 408, 410, 412, 418, 422, 500, 502, 504, 599];
  const replies = statuses.map((status) => read(status, problem, '{"detail":"no","code":"declined"}'));
  t.deepEqual(
    kinds(replies),
    statuses.map(() => 'unknown'),
  );
  t.regex(errorOf(replies[8]!), /answered 404 \(declined: no\)/);
});

test('K4 a redirect says that it is not followed', (t) => {
  t.regex(errorOf(read(307, { location: 'http://elsewhere/' })), /answered 307: a redirect is not followed/);
});

test.serial(
  'planted clock-error-is-a-no: a clock that is off passes for a business no, and the tests below see it',
  (t) => {
    t.is(read(401, problem, '{"code":"timestamp_too_old"}').kind, 'unknown');
    plant(t, 'clock-error-is-a-no');
    t.is(read(401, problem, '{"code":"timestamp_too_old"}').kind, 'refused');
  },
);

test('F8 K6 a clock that is off, and a secret, an address or a handler that is wrong, are alarms', (t) => {
  t.like(read(401, problem, '{"code":"timestamp_too_old"}'), { kind: 'unknown', alarm: 'clock' });
  t.like(read(408, problem, '{"code":"expired"}'), { kind: 'unknown', alarm: 'clock' });
  for (const status of [401, 403, 404, 405]) t.like(read(status, {}, 'no'), { kind: 'unknown', alarm: 'setup' });
  for (const status of [400, 409, 410, 429, 500, 503]) t.false('alarm' in read(status, {}, 'no'), String(status));
});

test('F8 a 401 that speaks of a timestamp names the clock', (t) => {
  t.regex(errorOf(read(401, problem, '{"code":"timestamp_too_old"}')), /clock/);
  t.regex(errorOf(read(401, { 'content-type': 'text/plain' }, 'Message timestamp too new')), /clock/);
  t.notRegex(errorOf(read(401, problem, '{"detail":"no such key"}')), /clock/);
  const expired = '{"code":"expired","detail":"the command held until 1, here it is 2"}';
  t.regex(errorOf(read(408, problem, expired)), /answered 408: it came too late, or .* clock .* differ \(expired: the/);
  t.notRegex(errorOf(read(408, problem, '{"code":"slow"}')), /clock/);
});

test('what a problem says in words is not cut for its other members', (t) => {
  const said = {
    type: 'x'.repeat(150),
    title: 'y'.repeat(100),
    status: 404,
    code: 'unknown_op',
    detail: 'it is tcc now',
  };
  t.is(errorOf(read(404, problem, JSON.stringify(said))), 'answered 404 (unknown_op: it is tcc now)');
});

test('K2 a compressed answer and one that is too large are unknown, whatever their status', (t) => {
  t.regex(errorOf(read(200, { ...json, 'content-encoding': 'gzip' }, '{}')), /content-encoding gzip/);
  t.is(read(200, { ...json, 'content-encoding': 'identity' }, '{}').kind, 'done');
  const large = `"${'x'.repeat(limits.outcomeBodyBytes)}"`;
  t.regex(errorOf(read(200, json, large)), /more than 1048576 bytes/);
  t.is(read(409, problem, `{"detail":${large}}`).kind, 'unknown');
});

test('a check answers one of three words with 200; all else is unknown', (t) => {
  for (const answer of ['commit', 'rollback', 'unknown'] as const) {
    t.deepEqual(read(200, json, JSON.stringify({ decision: answer }), 'check'), { kind: 'checked', answer });
  }
  const others = [
    read(200, json, '{"decision":"perhaps"}', 'check'),
    read(200, json, '"commit"', 'check'),
    read(200, json, '', 'check'),
    read(200, json, '[]', 'check'),
    read(204, {}, '', 'check'),
    read(409, problem, '{"decision":"rollback"}', 'check'),
    read(404, json, '{"decision":"rollback"}', 'check'),
  ];
  t.deepEqual(
    kinds(others),
    others.map(() => 'unknown'),
  );
  t.like(read(425, { 'retry-after': '2' }, '', 'check'), { kind: 'unknown', retryAfterMs: 2000 });
});

test.serial('K1 without the reading of JSON, garbage would be done', (t) => {
  plant(t, 'bad-json-is-done');
  t.is(read(200, json, 'OK').kind, 'done');
});

test.serial('K2 without the limit, a body of any size would be done', (t) => {
  plant(t, 'read-any-size');
  t.is(read(200, json, `"${'x'.repeat(limits.outcomeBodyBytes)}"`).kind, 'done');
});

test.serial('K7 without the check of keys, __proto__ would be done', (t) => {
  plant(t, 'accept-proto-keys');
  t.is(read(200, json, '{"__proto__":{"admin":true}}').kind, 'done');
});
