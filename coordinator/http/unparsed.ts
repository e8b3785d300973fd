/** What never became a request: bytes that are not HTTP, headers that are too large, a request that took too long. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { problem } from './problem.js';

/** Answers on the bare connection, as there is no response to write to, and ends it. */
export function refuseUnparsed(error: NodeJS.ErrnoException, socket: Duplex, requestId: string): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { status, body, headers } = problem(errorOf(error));
  const text = JSON.stringify(body);
  const lines = Object.entries({
    ...headers,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`, () => socket.destroy());
}

function errorOf({ code }: NodeJS.ErrnoException): ConcordatError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new ConcordatError('headers_too_large', 'expected headers of at most 16 KiB in all, got more');
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ConcordatError('request_timeout', 'expected the whole request within 30 s, got a part of it');
  }
  return new ConcordatError('invalid_request', 'expected a request in HTTP/1.1, got something else');
}
