/** What a participant can write back: each answer with what it means by the table of the protocol, and nothing else. */
import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { limits } from '../../sdk/protocol/limits.js';

export interface HostileAnswer {
  readonly title: string;
  readonly means: 'unknown' | 'done' | 'pending';
  /** What the log says of it, where it is unknown. */
  readonly error?: RegExp;
  /** The output, where it is done. */
  readonly output?: unknown;
  /** Only a deadline ends it. */
  readonly slow?: boolean;
  /** Comes when the first bytes of the command have come, and not all of it. */
  readonly early?: boolean;
  readonly write: (socket: Socket) => void;
}

type Bytes = string | Buffer;

const json = 'content-type: application/json';
const poison = '{"poison":true}';

/** An answer with its length. */
const whole = (status: string, headers: string, body: Bytes = ''): Buffer =>
  Buffer.concat([
    Buffer.from(
      `HTTP/1.1 ${status}\r\n${headers}${headers && '\r\n'}content-length: ${Buffer.byteLength(body)}\r\n\r\n`,
    ),
    Buffer.from(body),
  ]);

const chunked = (chunks: string): string => `HTTP/1.1 200 OK\r\n${json}\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`;

const writing = (bytes: Bytes) => (socket: Socket) => void socket.write(bytes);
const ending = (bytes: Bytes) => (socket: Socket) => void socket.end(bytes);

const unknown = (title: string, bytes: Bytes, error?: RegExp): HostileAnswer => ({
  title,
  means: 'unknown',
  write: writing(bytes),
  ...(error && { error }),
});
const broken = (title: string, bytes: Bytes): HostileAnswer => ({
  title,
  means: 'unknown',
  error: /no whole answer/,
  write: ending(bytes),
});
const done = (title: string, bytes: Bytes, output: unknown): HostileAnswer => ({
  title,
  means: 'done',
  output,
  write: writing(bytes),
});
const late = (title: string, write: HostileAnswer['write']): HostileAnswer => ({
  title,
  means: 'unknown',
  error: /no whole answer within/,
  slow: true,
  write,
});

/** Writes again and again until the other side has had enough. */
function flood(socket: Socket, chunk: Bytes): void {
  const go = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', go);
  go();
}

const endless = (title: string, start: Bytes, chunk: Bytes, error: RegExp): HostileAnswer => ({
  title,
  means: 'unknown',
  error,
  write(socket) {
    socket.write(start);
    flood(socket, chunk);
  },
});

/** One byte after the other, so that it is never silent. */
const drip = (start: string) => (socket: Socket) => {
  socket.write(start);
  const next = (): void => {
    if (!socket.destroyed) socket.write('1', () => setTimeout(next, 5));
  };
  next();
};

const notHttp: readonly HostileAnswer[] = [
  ...Object.entries({
    'text that is not HTTP': 'hello?\r\n\r\n',
    'bytes that are no text': '\0\u0001\u0002\u0003',
    'the banner of SSH': 'SSH-2.0-OpenSSH_9.6\r\n',
    'an alert of TLS': Buffer.from([0x15, 3, 1, 0, 2, 2, 70]),
    'JSON without HTTP': poison,
    'HTTP/9.9': `HTTP/9.9 200 OK\r\n${json}\r\ncontent-length: 15\r\n\r\n${poison}`,
    'a preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'a request': 'POST /action HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n',
    'a status of letters': 'HTTP/1.1 2OO OK\r\ncontent-length: 0\r\n\r\n',
    'a status of five digits': 'HTTP/1.1 20000 OK\r\ncontent-length: 0\r\n\r\n',
    'a negative status': 'HTTP/1.1 -200 OK\r\ncontent-length: 0\r\n\r\n',
  }).map(([what, bytes]) => unknown(`K1 ${what}`, bytes, /no whole answer/)),
  unknown('K1 a status of another world', whole('999 What', json, poison), /answered 999/),
];

const bodies: readonly HostileAnswer[] = [
  ...Object.entries<Bytes>({
    garbage: 'garbage',
    'half of an object': '{"ok":tr',
    'two documents': '{"ok":true}{"ok":true}',
    NaN: '{"a":NaN}',
    'a byte order mark': '\ufeff{}',
    'invalid UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
    'UTF-16': Buffer.from('{"ok":true}', 'utf16le'),
    'a control character in a text': '{"a":"\u0001"}',
    'only spaces': '   ',
    'nesting of 100,000 levels': '['.repeat(100_000) + ']'.repeat(100_000),
  }).map(([what, body]) => unknown(`K1 ${what} as JSON`, whole('200 OK', json, body), /answered 200: expected/)),
  unknown('K1 HTML with 200', whole('200 OK', 'content-type: text/html', '<h1>It works!</h1>'), /expected JSON/),
  unknown('K1 JSON as text/plain', whole('200 OK', 'content-type: text/plain', '{"ok":true}'), /expected JSON/),
  unknown('K1 a type that is none', whole('200 OK', 'content-type: ;;;', '{"ok":true}'), /expected JSON/),
  unknown('K1 a wrong charset', whole('200 OK', `${json}; charset=utf-16`, '{"ok":true}'), /expected UTF-8/),
  unknown('K7 a __proto__ key', whole('200 OK', json, '{"__proto__":{"polluted":1}}'), /__proto__/),
  unknown('K7 a __proto__ key in escapes', whole('200 OK', json, '{"\\u005f_proto__":{"polluted":1}}'), /__proto__/),
  done('K1 nothing, with 200', whole('200 OK', json), null),
  done('K1 nothing, and no type', whole('200 OK', ''), null),
  done('K1 the same key twice: the last counts', whole('200 OK', json, '{"a":1,"a":2}'), { a: 2 }),
  done('K1 half of a surrogate pair', whole('200 OK', json, '{"a":"\\ud800"}'), { a: '\ud800' }),
  done('K1 a zero byte in a text', whole('200 OK', json, '{"a":"\\u0000"}'), { a: '\0' }),
  done('K1 a constructor', whole('200 OK', json, '{"constructor":{"prototype":1}}'), { constructor: { prototype: 1 } }),
];

const filler = `x-filler: ${'y'.repeat(80)}\r\n`.repeat(100);

const sizes: readonly HostileAnswer[] = [
  endless(
    'K2 a body without end',
    `HTTP/1.1 200 OK\r\n${json}\r\n\r\n`,
    Buffer.alloc(65_536, 32),
    /more than \d+ bytes/,
  ),
  endless(
    'K2 a gigabyte, announced',
    `HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: 1073741824\r\n\r\n`,
    Buffer.alloc(65_536, 32),
    /more than \d+ bytes/,
  ),
  endless('K2 chunks without end', chunked(''), `10000\r\n${' '.repeat(65_536)}\r\n`, /more than \d+ bytes/),
  endless('K2 headers without end', 'HTTP/1.1 200 OK\r\n', filler, /Overflow/i),
  endless('K2 trailers without end', chunked('2\r\n{}\r\n0\r\n'), filler, /Overflow/i),
  unknown('K2 a header of 64 KiB', whole('200 OK', `x: ${'y'.repeat(65_536)}`, '{}'), /Overflow/i),
  unknown('K2 a length beyond all numbers', `HTTP/1.1 200 OK\r\ncontent-length: ${'9'.repeat(40)}\r\n\r\n{}`),
  unknown(
    'K2 one byte too many',
    whole('200 OK', json, `"${'x'.repeat(limits.outcomeBodyBytes - 1)}"`),
    /more than \d+ bytes/,
  ),
  ...(
    [
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
      ['deflate', deflateSync],
    ] as const
  ).map(([encoding, press]) =>
    unknown(
      `K2 a bomb of ${encoding}`,
      whole('200 OK', `${json}\r\ncontent-encoding: ${encoding}`, press(Buffer.alloc(32 * 1024 ** 2, 32))),
      /content-encoding/,
    ),
  ),
  unknown(
    'K2 an encoding that nobody knows',
    whole('200 OK', `${json}\r\ncontent-encoding: x, gzip`, '{}'),
    /encoding/,
  ),
];

const slow: readonly HostileAnswer[] = [
  late('K3 silence', () => undefined),
  late('K3 one byte after the other', drip(`HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: 100000\r\n\r\n`)),
  late('K3 a header byte by byte', drip('HTTP/1.1 200 OK\r\nx: ')),
  late('K3 a chunk that is never whole', writing(chunked('5\r\n{"a'))),
  late('K3 early hints and then nothing', writing('HTTP/1.1 103 Early Hints\r\n\r\n')),
  late('K3 a status of 199', writing('HTTP/1.1 199 Hm\r\n\r\n')),
  late('K3 a length as of HEAD and no body', writing(`HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: 11\r\n\r\n`)),
  late('K3 a good answer that is too late', (socket) => {
    setTimeout(() => socket.destroyed || socket.write(whole('200 OK', json, poison)), 3000).unref();
  }),
];

const cut: readonly HostileAnswer[] = [
  broken('K5 closed without a word', ''),
  broken('K5 closed in the headers', 'HTTP/1.1 200 OK\r\ncontent-type: appl'),
  broken('K5 closed in the body', `HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: 11\r\n\r\n{"ok"`),
  broken('K5 closed before the last chunk', chunked('b\r\n{"ok":true}\r\n')),
  broken(
    'K5 closed in a refusal',
    'HTTP/1.1 409 Conflict\r\ncontent-type: application/problem+json\r\ncontent-length: 99\r\n\r\n{"detail":"no"}',
  ),
  {
    ...broken('K5 closed in JSON without a length', `HTTP/1.1 200 OK\r\n${json}\r\n\r\n{"ok"`),
    error: /expected JSON/,
  },
  { ...broken('K5 reset', ''), write: (socket) => void socket.resetAndDestroy() },
];

const problem = 'content-type: application/problem+json';
const statuses: readonly HostileAnswer[] = [
  ...[300, 301, 302, 303, 305, 307, 308].map((status) =>
    unknown(`K4 a redirect with ${status}`, whole(`${status} X`, `${json}\r\nlocation: /x`, poison), /not followed/),
  ),
  ...[400, 401, 403, 404, 405, 406, 408, 410, 418, 422, 428, 451, 500, 501, 502, 504].map((status) =>
    unknown(`K6 ${status}`, whole(`${status} X`, problem, '{"detail":"no"}'), new RegExp(`answered ${status}`)),
  ),
  ...[429, 503].map((status) => unknown(`J5 ${status}`, whole(`${status} X`, 'retry-after: 0'), /answered (429|503)/)),
  unknown(
    'K4 304 with a body',
    `HTTP/1.1 304 X\r\n${json}\r\ncontent-length: 15\r\n\r\n${poison}`,
    /304|no whole answer/,
  ),
  unknown('K6 202 without Retry-After', whole('202 Accepted', json, '{}'), /expected a Retry-After/),
  unknown('K6 202 with a Retry-After of words', whole('202 X', 'retry-after: soon', '{}'), /expected a Retry-After/),
  unknown('K6 425 with a negative Retry-After', whole('425 X', 'retry-after: -1', '{}'), /expected a Retry-After/),
  { title: 'J6 202 to be asked again at once', means: 'pending', write: writing(whole('202 X', 'retry-after: 0')) },
  { title: 'J6 425 to be asked again at once', means: 'pending', write: writing(whole('425 X', 'retry-after: 0')) },
  unknown('K6 409 with JSON that is no problem', whole('409 X', json, '{"detail":"no"}'), /problem\+json/),
  unknown('K6 409 with HTML', whole('409 X', 'content-type: text/html', '<h1>no</h1>'), /problem\+json/),
  unknown('K6 409 with nothing', whole('409 X', ''), /problem\+json/),
  unknown('K6 409 with a problem that is no JSON', whole('409 X', problem, '{"detail"'), /problem\+json/),
  unknown('K6 409 with a problem that is an array', whole('409 X', problem, '[]'), /problem\+json/),
  unknown('K2 409 with a compressed problem', whole('409 X', `${problem}\r\ncontent-encoding: gzip`, '{}'), /encoding/),
  done('K6 200 with Retry-After', whole('200 OK', `${json}\r\nretry-after: 60`, '{"ok":1}'), { ok: 1 }),
  done('K6 299', whole('299 Odd', json, '{"ok":1}'), { ok: 1 }),
  unknown(
    'K8 204 with a body',
    `HTTP/1.1 204 X\r\n${json}\r\ncontent-length: 15\r\n\r\n${poison}`,
    /no whole answer after status 204/,
  ),
  done('K8 205 with nothing', whole('205 X', ''), null),
];

const smuggled: readonly HostileAnswer[] = [
  ...Object.entries({
    'a length and chunks': `HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: 15\r\ntransfer-encoding: chunked\r\n\r\n${poison}`,
    'two lengths': `HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: 15\r\ncontent-length: 2\r\n\r\n${poison}`,
    'two lengths in one header': `HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: 15, 2\r\n\r\n${poison}`,
    'a length with a sign': `HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: +15\r\n\r\n${poison}`,
    'a negative length': `HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: -1\r\n\r\n${poison}`,
    'a length in hex': `HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: 0xf\r\n\r\n${poison}`,
    'a space before the colon': `HTTP/1.1 200 OK\r\n${json}\r\ncontent-length : 15\r\n\r\n${poison}`,
    'a carriage return in a header': `HTTP/1.1 200 OK\r\nx: a\rcontent-length: 15\r\n\r\n${poison}`,
    'a zero byte in a header': `HTTP/1.1 200 OK\r\nx\0y: a\r\ncontent-length: 15\r\n\r\n${poison}`,
    'a chunk of garbage': chunked(`zz\r\n${poison}\r\n0\r\n\r\n`),
    'a chunk with 0x': chunked(`0xf\r\n${poison}\r\n0\r\n\r\n`),
    'a negative chunk': chunked(`-1\r\n${poison}\r\n0\r\n\r\n`),
    'a chunk beyond all numbers': chunked(`fffffffffffffffff\r\n${poison}`),
    'a chunk that is longer than it says': chunked(`2\r\n${poison}\r\n0\r\n\r\n`),
    'an upgrade': 'HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    'a tunnel': 'HTTP/1.1 100 Continue\r\n\r\nSSH-2.0\r\n',
  }).map(([what, bytes]) => unknown(`K8 ${what}`, bytes, /no whole answer/)),
  done(
    'K8 a body that is longer than it says',
    `HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: 2\r\n\r\n{}${poison}`,
    {},
  ),
  done('K8 an answer and another', Buffer.concat([whole('200 OK', json, '{"ok":1}'), whole('200 OK', json, poison)]), {
    ok: 1,
  }),
  done(
    'K8 trailers that say otherwise',
    chunked('2\r\n{}\r\n0\r\ncontent-type: text/html\r\nretry-after: 9\r\n\r\n'),
    {},
  ),
  unknown('K8 two types', whole('200 OK', `content-type: text/html\r\n${json}`, poison), /expected JSON/),
  unknown('K8 two types of a no', whole('409 X', `${json}\r\n${problem}`, '{"detail":"no"}'), /problem\+json/),
  unknown(
    'K8 two encodings',
    whole('200 OK', `${json}\r\ncontent-encoding: gzip\r\ncontent-encoding: identity`, '{}'),
    /encoding/,
  ),
  unknown('K8 two times to come back', whole('202 X', 'retry-after: 3600\r\nretry-after: 0'), /expected a Retry-After/),
  unknown('K8 trailers with a length', chunked('2\r\n{}\r\n0\r\ncontent-length: 9\r\n\r\n'), /no whole answer/),
  done('K8 extensions of chunks', chunked('2;a="b"\r\n{}\r\n0;c\r\n\r\n'), {}),
  done(
    'K8 hints before the answer',
    `${'HTTP/1.1 103 X\r\nlink: </a>\r\n\r\n'.repeat(3)}${whole('200 OK', json, '{}')}`,
    {},
  ),
  { ...done('K8 an answer before the command was read', whole('200 OK', json, '{"ok":1}'), { ok: 1 }), early: true },
  {
    ...done('K8 headers with dangerous names', whole('200 OK', `${json}\r\n__proto__: a\r\nconstructor: b`, '{}'), {}),
  },
];

export const hostileAnswers: readonly HostileAnswer[] = [
  ...notHttp,
  ...bodies,
  ...sizes,
  ...slow,
  ...cut,
  ...statuses,
  ...smuggled,
];
