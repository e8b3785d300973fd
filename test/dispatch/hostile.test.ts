import { gzipSync } from 'node:zlib';
import test from 'ava';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import { limits } from '../../sdk/protocol/limits.js';
import { command, httpParticipant, plant, rawAnswer, signal, tcpParticipant, transport } from './participants.js';

const errorOf = (reply: Reply): string => (reply.kind === 'unknown' ? reply.error : `not unknown but ${reply.kind}`);
const shortly = () => ({ expiresAt: Date.now() + 250 });
const done = { kind: 'done', output: { ok: true } } as const;
const good = rawAnswer('{"ok":true}');

test('K1 bytes that are not HTTP at all are unknown, and the next command gets a new connection', async (t) => {
  for (const garbage of [
    'hello?\r\n\r\n',
    '\0\u0001\u0002',
    '{"ok":true}',
    'HTTP/9.9 200 OK\r\n\r\n',
    'SSH-2.0-x\r\n',
  ]) {
    const participant = await tcpParticipant(t, (socket, nth) => socket.write(nth === 1 ? garbage : good));
    const http = transport(t);
    t.regex(errorOf(await http.send(command(participant.url))), /no whole answer/, garbage);
    t.deepEqual(await http.send(command(participant.url)), done);
    t.is(participant.connections(), 2);
  }
});

test('K1 garbage in a proper answer is unknown, and the worker goes on', async (t) => {
  const bodies: [string, string | Buffer][] = [
    ['application/json', 'garbage'],
    ['text/html', '<html>504 Gateway</html>'],
    ['application/json; charset=utf-16le', Buffer.from('{}', 'utf16le')],
    ['application/json', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['application/json', '{"__proto__":{"polluted":1}}'],
  ];
  let next = 0;
  const url = await httpParticipant(t, (_request, response) => {
    const [type, body] = bodies[next++] ?? ['application/json', '{"ok":true}'];
    response.setHeader('content-type', type).end(body);
  });
  const http = transport(t);
  for (const [type] of bodies) t.regex(errorOf(await http.send(command(url))), /answered 200: expected/, type);
  t.deepEqual(await http.send(command(url)), done);
  t.false('polluted' in {});
});

test.serial('K2 an endless body is read to the limit and no further, and memory stays flat', async (t) => {
  const gigabyte = 1024 ** 3;
  const chunk = Buffer.alloc(64 * 1024, 0x20);
  let sent = 0;
  let mostMemory = 0;
  const closed = signal();
  const url = await httpParticipant(t, (_request, response) => {
    response.setHeader('content-type', 'application/json');
    const write = (): void => {
      while (sent < gigabyte && !response.destroyed) {
        sent += chunk.length;
        mostMemory = Math.max(mostMemory, process.memoryUsage().rss);
        if (!response.write(chunk)) return;
      }
      response.end();
    };
    response.on('drain', write).on('close', closed.give);
    write();
  });
  const before = process.memoryUsage().rss;
  const reply = await transport(t).send(command(url));
  t.is(errorOf(reply), `answered 200 with a body of more than ${limits.outcomeBodyBytes} bytes`);
  await closed.came;
  // What the two ends of a socket hold in the kernel counts as sent.
  t.true(sent < 32 * 1024 ** 2, `the participant could send ${sent} bytes`);
  t.true(mostMemory - before < 64 * 1024 ** 2, `memory grew by ${mostMemory - before} bytes`);
});

test('K2 a body that says it is too large is not read at all', async (t) => {
  const participant = await tcpParticipant(t, (socket, nth) =>
    socket.write(nth === 1 ? 'HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n' : good),
  );
  const http = transport(t);
  t.regex(errorOf(await http.send(command(participant.url))), /answered 200 with a body of more than/);
  t.deepEqual(await http.send(command(participant.url)), done);
});

test.serial('K2 a compression bomb stays compressed', async (t) => {
  const bomb = gzipSync(Buffer.alloc(256 * 1024 ** 2, 0x20));
  const url = await httpParticipant(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb);
  });
  const before = process.memoryUsage().rss;
  t.regex(errorOf(await transport(t).send(command(url))), /answered 200: content-encoding gzip/);
  t.true(process.memoryUsage().rss - before < 64 * 1024 ** 2);
});

test.serial('K2 a body in half a million chunks of one byte costs little more than its bytes', async (t) => {
  const count = 500_000;
  const body = Buffer.from(`1\r\n"\r\n${'1\r\nx\r\n'.repeat(count)}1\r\n"\r\n0\r\n\r\n`);
  const participant = await tcpParticipant(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n');
    socket.write(body);
  });
  const before = process.memoryUsage().rss;
  const reply = await transport(t).send(command(participant.url, {}, { expiresAt: Date.now() + 20_000 }));
  t.is(reply.kind === 'done' && typeof reply.output === 'string' && reply.output.length, count);
  t.true(process.memoryUsage().rss - before < 100 * 1024 ** 2);
});

test('K2 endless headers and endless trailers are unknown', async (t) => {
  const flood = `x-filler: ${'y'.repeat(1000)}\r\n`.repeat(100);
  for (const start of [
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n',
    `HTTP/1.1 103 Early Hints\r\n${flood}`,
  ]) {
    const participant = await tcpParticipant(t, (socket) => socket.write(start + flood));
    t.regex(errorOf(await transport(t).send(command(participant.url))), /no whole answer.*Overflow/i);
  }
});

test('K3 one byte at a time ends at the total deadline', async (t) => {
  const participant = await tcpParticipant(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n');
    // Never silent: no idle timeout would ever fire.
    const drip = (): void => {
      if (!socket.destroyed) socket.write('1', () => setTimeout(drip, 2));
    };
    drip();
  });
  t.regex(errorOf(await transport(t).send(command(participant.url, {}, shortly()))), /no whole answer within \d+ ms/);
});

test('K3 silence, headers that never end and endless hints end at the total deadline', async (t) => {
  const starts = [
    '',
    'HTTP/1.1 200 OK\r\ncontent-',
    'HTTP/1.1 103 Early Hints\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a',
  ];
  await Promise.all(
    starts.map(async (start) => {
      const participant = await tcpParticipant(t, (socket) => socket.write(start));
      t.regex(
        errorOf(await transport(t).send(command(participant.url, {}, shortly()))),
        /no whole answer within \d+ ms/,
      );
    }),
  );
});

test('K4 a redirect is not followed', async (t) => {
  let hits = 0;
  const sink = await httpParticipant(t, (_request, response) => {
    hits++;
    response.end();
  });
  for (const status of [301, 302, 303, 307, 308]) {
    const url = await httpParticipant(t, (_request, response) =>
      response.writeHead(status, { location: `${sink}/x` }).end(),
    );
    t.regex(
      errorOf(await transport(t).send(command(url))),
      new RegExp(`answered ${status}: a redirect is not followed`),
    );
  }
  t.is(hits, 0);
});

test('K5 a connection closed in the middle is unknown, and the next command gets a new one', async (t) => {
  const starts = [
    '',
    'HTTP/1.1 200 OK\r\ncontent-type: appl',
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok"',
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nb\r\n{"ok":true}\r\n',
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{"ok"',
    'HTTP/1.1 409 Conflict\r\ncontent-type: application/problem+json\r\ncontent-length: 99\r\n\r\n{"detail":"no"}',
  ];
  for (const start of starts) {
    const participant = await tcpParticipant(t, (socket, nth) => (nth === 1 ? socket.end(start) : socket.write(good)));
    const http = transport(t);
    t.is((await http.send(command(participant.url))).kind, 'unknown', start);
    t.deepEqual(await http.send(command(participant.url)), done);
    t.is(participant.connections(), 2);
  }
});

test('K6 404, 405 and 401 are unknown and say so', async (t) => {
  const statuses = [404, 405, 401];
  let next = 0;
  const url = await httpParticipant(t, (_request, response) =>
    response.writeHead(statuses[next++] ?? 500).end('no route'),
  );
  const http = transport(t);
  for (const status of statuses) t.is(errorOf(await http.send(command(url))), `answered ${status} (body: no route)`);
});

test('K8 an answer that two parsers could read in two ways is unknown, and its connection is not used again', async (t) => {
  const body = '{"ok":false}';
  const smuggled = [
    `HTTP/1.1 200 OK\r\ncontent-length: 12\r\ntransfer-encoding: chunked\r\n\r\n${body}`,
    `HTTP/1.1 200 OK\r\ncontent-length: 12\r\ncontent-length: 5\r\n\r\n${body}`,
    `HTTP/1.1 200 OK\r\ncontent-length: 12, 5\r\n\r\n${body}`,
    `HTTP/1.1 200 OK\r\ncontent-length: +12\r\n\r\n${body}`,
    `HTTP/1.1 200 OK\r\ncontent-length : 12\r\n\r\n${body}`,
    `HTTP/1.1 200 OK\r\nx: a\rcontent-length: 12\r\n\r\n${body}`,
    `HTTP/1.1 200 OK\r\nx\0y: a\r\ncontent-length: 12\r\n\r\n${body}`,
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nc;\n${body}\r\n0\r\n\r\n`,
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0xc\r\n${body}\r\n0\r\n\r\n`,
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
  ];
  for (const answer of smuggled) {
    const participant = await tcpParticipant(t, (socket, nth) => socket.write(nth === 1 ? answer : good));
    const http = transport(t);
    t.is((await http.send(command(participant.url))).kind, 'unknown', answer);
    t.deepEqual(await http.send(command(participant.url)), done, answer);
    t.is(participant.connections(), 2, answer);
  }
});

test('K8 a second answer that nobody asked for is never taken for the next command', async (t) => {
  const poison = rawAnswer('{"poison":true}');
  const participant = await tcpParticipant(t, (socket, nth) => {
    if (nth === 1) socket.write(good + poison);
    else if (nth === 2) socket.write(good, () => setImmediate(() => socket.write(poison)));
    else socket.write(good);
  });
  const http = transport(t, { connectionsPerOrigin: 1 });
  for (let i = 0; i < 4; i++) {
    const reply = await http.send(command(participant.url));
    t.false(JSON.stringify(reply).includes('poison'));
  }
});

test('K8 headers with dangerous names do no harm', async (t) => {
  const names =
    '__proto__: a\r\n__proto__: b\r\nconstructor: c\r\ntostring: d\r\nhasownproperty: e\r\ncontent-type: application/json';
  const participant = await tcpParticipant(t, (socket) => socket.write(rawAnswer('{"ok":true}', names)));
  t.deepEqual(await transport(t).send(command(participant.url)), done);
});

test.serial('K2 without the limit, a large body would be taken', async (t) => {
  plant(t, 'read-any-size');
  const url = await httpParticipant(t, (_request, response) => {
    response.setHeader('content-type', 'application/json').end(`"${'x'.repeat(limits.outcomeBodyBytes)}"`);
  });
  t.is((await transport(t).send(command(url))).kind, 'done');
});

test.serial('K3 without the total deadline, a call would outlive its command', async (t) => {
  plant(t, 'no-total-deadline');
  const expiry = shortly();
  const url = await httpParticipant(t, (_request, response) => {
    setTimeout(() => response.end(), expiry.expiresAt - Date.now() + 50);
  });
  t.is((await transport(t).send(command(url, {}, expiry))).kind, 'done');
  t.true(Date.now() > expiry.expiresAt);
});

test.serial('K3 without care, a timeout would be a no', async (t) => {
  plant(t, 'timeout-is-a-no');
  const url = await httpParticipant(t, () => undefined);
  t.is((await transport(t).send(command(url, {}, shortly()))).kind, 'refused');
});

test.serial('K4 without care, a redirect would be followed', async (t) => {
  plant(t, 'follow-redirects');
  let hits = 0;
  const sink = await httpParticipant(t, (_request, response) => {
    hits++;
    response.end();
  });
  const url = await httpParticipant(t, (_request, response) =>
    response.writeHead(307, { location: `${sink}/x` }).end(),
  );
  t.is((await transport(t).send(command(url))).kind, 'done');
  t.is(hits, 1);
});
