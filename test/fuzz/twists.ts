/** What happens to the text of a body, and to the bytes of a request. Each draws from the dice and nothing else. */
import type { Dice } from '../simulation/chance.js';

type TwistText = (text: string, dice: Dice) => string | Buffer;

const at = (text: string, dice: Dice): number => dice.below(text.length + 1);

const inserted = (text: string, what: string, dice: Dice): string => {
  const place = at(text, dice);
  return text.slice(0, place) + what + text.slice(place);
};

/** In the place of a value: after a colon. */
const replaced = (text: string, what: string, dice: Dice): string => {
  const colons = [...text.matchAll(/:/g)];
  if (colons.length === 0) return what;
  const { index } = dice.one(colons);
  return text.slice(0, index + 1) + what + text.slice(index + 1).replace(/^(?:"(?:[^"\\]|\\.)*"|[^,}\]]*)/, '');
};

const strange = [
  'NaN',
  'Infinity',
  '-Infinity',
  '1e999',
  '-1e999',
  '1e-999',
  '-0',
  '01',
  '0x10',
  '9007199254740993',
  '99999999999999999999999999',
  '1.7976931348623157e309',
  'undefined',
  "'text'",
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '"\\u001b[31m"',
  '"\\u202e"',
  '"\u2028"',
  '"\u0001"',
  '"\\x41"',
  '{"$from":"b"}',
  '{"$from":"a.__proto__.x"}',
  '{"$from":"a.constructor.prototype"}',
  '{"$from":["a"]}',
  '{"$from":"a","$value":1}',
  '{"$value":{"$from":"nowhere"}}',
  '{"$from":"..."}',
  '{"$from":""}',
  '{"__proto__":{"polluted":1}}',
  '{"\\u005f\\u005fproto__":1}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '["a","a"]',
  '["__proto__"]',
  '[[[[[[[[]]]]]]]]',
  '{"":{"":{"":""}}}',
];

const invalidUtf8 = [
  [0xff],
  [0xc0, 0xaf],
  [0xe0, 0x80, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0x80],
  [0xe2, 0x28, 0xa1],
].map((bytes) => Buffer.from(bytes));

/** Steps that come after one another in a circle, or after themselves, or twice. */
const circles = [
  '[{"id":"a","kind":"saga","url":"http://127.0.0.1:9/a","after":["b"]},{"id":"b","kind":"saga","url":"http://127.0.0.1:9/b","after":["a"]}]',
  '[{"id":"a","kind":"saga","url":"http://127.0.0.1:9/a","after":["a"]}]',
  '[{"id":"a","kind":"saga","url":"http://127.0.0.1:9/a"},{"id":"a","kind":"saga","url":"http://127.0.0.1:9/a"}]',
  '[{"id":"a","kind":"saga","url":"http://127.0.0.1:9/a","input":{"$from":"b"}},{"id":"b","kind":"saga","url":"http://127.0.0.1:9/b"}]',
  '[{"id":"a","kind":"saga","url":"http://127.0.0.1:9/a","pivot":true},{"id":"b","kind":"saga","url":"http://127.0.0.1:9/b","pivot":true,"after":[]}]',
];

export const textTwists: Readonly<Record<string, TwistText>> = {
  'a strange value': (text, dice) => replaced(text, dice.one(strange), dice),
  'another strange value': (text, dice) => replaced(replaced(text, dice.one(strange), dice), dice.one(strange), dice),
  'cut off': (text, dice) => text.slice(0, at(text, dice)),
  'a part twice': (text, dice) => inserted(text, text.slice(at(text, dice)), dice),
  'a stray character': (text, dice) =>
    inserted(text, dice.one(['"', '{', '}', '[', ']', ',', ':', '\\', '\0', '/*']), dice),
  'the same keys twice': (text) => text.replace(/^\{(.*)\}$/s, '{$1,$1}'),
  'a key of the prototype': (text, dice) =>
    text.replace(
      '{',
      `{${dice.one(['"__proto__":1,', '"constructor":{},', '"toString":null,', '"\\u005f_proto__":{},'])}`,
    ),
  'bytes that are not UTF-8': (text, dice) => {
    const bytes = Buffer.from(text);
    const place = dice.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, place), dice.one(invalidUtf8), bytes.subarray(place)]);
  },
  'UTF-16': (text) => Buffer.from(text, 'utf16le'),
  'a circle of steps': (_text, dice) => `{"name":"circle","steps":${dice.one(circles)}}`,
  'deep nesting': (text, dice) => {
    const levels = dice.one([90, 101, 500, 20_000]);
    return replaced(text, '['.repeat(levels) + ']'.repeat(levels), dice);
  },
  'a long text': (text, dice) =>
    replaced(text, JSON.stringify('x'.repeat(dice.one([64, 65, 128, 129, 256, 257, 5000]))), dice),
  'many items': (text, dice) => replaced(text, `[${'1,'.repeat(dice.one([10, 1001]))}1]`, dice),
  'something else': (_text, dice) =>
    dice.one(['', ' ', 'null', 'true', '7', '"text"', '[]', '[{}]', '{}', '<a/>', 'a=b&c=d']),
};

type TwistBytes = (bytes: Buffer, dice: Dice) => Buffer;

const spliced = (bytes: Buffer, place: number, drop: number, what: Buffer | string): Buffer =>
  Buffer.concat([bytes.subarray(0, place), Buffer.from(what as string), bytes.subarray(place + drop)]);

const random = (dice: Dice, length: number): Buffer => Buffer.from(Array.from({ length }, () => dice.below(256)));

/** The head as text, changed. */
const inHead =
  (change: (head: string, dice: Dice) => string): TwistBytes =>
  (bytes, dice) => {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return bytes;
    const head = change(bytes.toString('latin1', 0, end), dice);
    return Buffer.concat([Buffer.from(head, 'latin1'), bytes.subarray(end)]);
  };

const withHeader = (choices: readonly string[]): TwistBytes =>
  inHead((head, dice) => `${head}\r\n${dice.one(choices)}`);

const target = (choices: readonly string[]): TwistBytes =>
  inHead((head, dice) => head.replace(/^(\S+) \S+ /, (_all, method) => `${method} ${dice.one(choices)} `));

export const byteTwists: Readonly<Record<string, TwistBytes>> = {
  'a byte changed': (bytes, dice) => spliced(bytes, dice.below(bytes.length), 1, random(dice, 1)),
  'bytes put in': (bytes, dice) => spliced(bytes, dice.below(bytes.length), 0, random(dice, dice.between(1, 20))),
  'bytes left out': (bytes, dice) => spliced(bytes, dice.below(bytes.length), dice.between(1, 20), ''),
  'a part twice': (bytes, dice) => {
    const from = dice.below(bytes.length);
    return spliced(bytes, from, 0, bytes.subarray(from, from + dice.between(1, 60)));
  },
  'cut off': (bytes, dice) => bytes.subarray(0, dice.below(bytes.length)),
  'nothing but noise': (_bytes, dice) => random(dice, dice.between(1, 200)),
  'other line ends': inHead((head, dice) => head.replaceAll('\r\n', dice.one(['\n', '\r', '\n\n', '\r\n ', '\r\r\n']))),
  'another method': inHead((head, dice) =>
    head.replace(
      /^\S+/,
      dice.one([
        'HEAD',
        'PATCH',
        'OPTIONS',
        'TRACE',
        'CONNECT',
        'PRI',
        'post',
        'GETT',
        'G\0T',
        '',
        'PROPFIND',
        'M-SEARCH',
        'QUERY',
      ]),
    ),
  ),
  'another version': inHead((head, dice) =>
    head.replace(
      /HTTP\/1\.1/,
      dice.one(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.2', 'HTTP/11', 'http/1.1', 'HTP/1.1', '']),
    ),
  ),
  'another target': target([
    '*',
    '/',
    '//',
    '///v1//transactions',
    '/v1/transactions/',
    '/V1/Transactions',
    '/v1/transactions/%00',
    '/v1/transactions/%ff',
    '/v1/transactions/%zz',
    '/v1/transactions/%',
    '/v1/transactions/..%2f..%2fetc%2fpasswd',
    '/v1/../v1/transactions',
    '/v1/transactions/__proto__/events',
    '/v1/transactions/constructor',
    '/v1/transactions?limit=1&limit=2',
    '/v1/transactions?__proto__=1',
    '/v1/transactions?cursor=%00',
    '/v1/transactions?status=%F0%28%8C%28',
    `/v1/transactions?name=${'x'.repeat(9000)}`,
    '/v1/transactions?%',
    '/v1/transactions/x/branches/999999999999/outcome',
    '/v1/transactions/x/branches/-1/outcome',
    '/v1/transactions/x/branches/1e1/outcome',
    '/v1/participants/__proto__/instances/x',
    'http://evil.example/v1/transactions',
    'http://localhost/healthz',
    'evil.example:443',
    '/healthz#x',
    '/healthz;a=b',
    '/h\u00e9althz',
    '/\u0001',
    `/${'a/'.repeat(2000)}`,
    `/${'x'.repeat(20_000)}`,
    'v1/transactions',
    '\\v1\\transactions',
  ]),
  'another length': inHead((head, dice) =>
    head.replace(
      /content-length: \d+/i,
      `content-length: ${dice.one(['0', '1', '-1', '+5', '5, 5', '5, 6', '0x10', '1e3', '', ' ', '99999999', '9'.repeat(30), '１', 'x'])}`,
    ),
  ),
  'a second length': withHeader(['content-length: 0', 'content-length: 7', 'Content-Length : 3', 'content-length:\t5']),
  'chunks that are none': withHeader([
    'transfer-encoding: chunked',
    'transfer-encoding: chunked, chunked',
    'transfer-encoding: gzip, chunked',
    'transfer-encoding: chunked, identity',
    'transfer-encoding: x',
    'transfer-encoding: \u000bchunked',
    'Transfer-Encoding : chunked',
    'transfer-encoding:\r\n chunked',
  ]),
  'chunks of garbage': (bytes, dice) => {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return bytes;
    const head = bytes.toString('latin1', 0, end).replace(/\r\ncontent-length: \d+/i, '');
    const size = dice.one([
      '5',
      '0',
      'zz',
      '-1',
      '0x5',
      'ffffffffffffffffff',
      '5;a',
      '5;\n',
      '5 ',
      '',
      '1\r',
      '00000000000000005',
    ]);
    return Buffer.from(
      `${head}\r\ntransfer-encoding: chunked\r\n\r\n${size}\r\n{"a":1}\r\n${dice.one(['0\r\n\r\n', '0\r\na: b\r\n\r\n', ''])}`,
      'latin1',
    );
  },
  'another host': inHead((head, dice) =>
    head.replace(
      /host: [^\r]*/i,
      dice.one([
        'x: y',
        'host:',
        'host: evil.example',
        'host: localhost\r\nhost: evil.example',
        'host: [::1',
        'host: a b',
        'host: @',
        'host: localhost:99999',
        'host: 127.0.0.1:x',
        `host: ${'a'.repeat(300)}`,
      ]),
    ),
  ),
  'another type': inHead((head, dice) =>
    head.replace(
      /content-type: [^\r]*/i,
      dice.one([
        'x: y',
        'content-type:',
        'content-type: text/plain',
        'content-type: application/json; charset=utf-7',
        'content-type: application/json;;;',
        'content-type: multipart/form-data; boundary=x',
        'content-encoding: gzip\r\ncontent-type: application/json',
        'content-type: \u00ff',
      ]),
    ),
  ),
  'a strange header': withHeader([
    'no colon here',
    ': no name',
    'a b: c',
    'x: \0',
    'x: a\rb',
    'x\0: y',
    '__proto__: x',
    'constructor: x',
    ' folded',
    'x: \u00ff\u0080',
    'expect: 100-continue',
    'expect: wonders',
    'connection: close',
    'connection: upgrade\r\nupgrade: websocket',
    'connection: upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__',
    'prefer: wait=-1',
    'prefer: wait=99999999999',
    'prefer: wait=""',
    'prefer: ;=,',
    'accept: text/event-stream;q=0',
    'accept: application/x-ndjson',
    'accept: \u0001',
    'last-event-id: x.y',
    'authorization: Bearer',
    'authorization: Basic eDp5',
    'authorization: Bearer \u00ff',
    'x-request-id: a b',
    `x-request-id: ${'x'.repeat(500)}`,
    'concordat-token: x',
    'traceparent: 00-zz-zz-zz',
    'origin: https://evil.example',
    'origin: null',
    'x-http-method-override: DELETE',
    `x: ${'y'.repeat(17_000)}`,
    Array.from({ length: 200 }, (_, nth) => `h${nth}: ${nth}`).join('\r\n'),
  ]),
};
