import type { IncomingMessage } from 'node:http';
import { planted } from '#faults';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { type Json, JsonError, parseJson } from '../../sdk/protocol/json.js';
import { limits } from '../../sdk/protocol/limits.js';
import { BodyCollector } from '../dispatch/body.js';
import { mediaTypeOf } from '../dispatch/media-type.js';

export interface Body {
  readonly value: Json;
  readonly bytes: number;
}

const none: Body = Object.freeze({ value: Object.freeze({}), bytes: 0 });

/** Reads the JSON body of a request. Throws ConcordatError; what is too large is read no further. */
export async function readBody(request: IncomingMessage, needed: 'optional' | 'required'): Promise<Body> {
  const { headers } = request;
  const has = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (!has && needed === 'optional') return none;
  checkType(headers['content-type'], headers['content-encoding']);
  const bytes = await collect(request);
  if (bytes.byteLength === 0 && needed === 'optional') return none;
  return { value: parse(bytes), bytes: bytes.byteLength };
}

function checkType(type: string | undefined, encoding: string | undefined): void {
  const media = mediaTypeOf(type ?? '');
  if (media?.essence !== 'application/json' || !media.isUtf8) {
    const got = type === undefined ? 'no content-type' : JSON.stringify(type.slice(0, 100));
    throw new ConcordatError('unsupported_media_type', `expected content-type application/json in UTF-8, got ${got}`);
  }
  if (encoding === undefined || encoding === 'identity') return;
  throw new ConcordatError('unsupported_media_type', 'expected a body without content-encoding, got one with it');
}

/** So much of a body that is too large is read and dropped: a client that is still sending then hears the answer. */
const drainMax = 8 * limits.bodyBytes;

function collect(request: IncomingMessage): Promise<Uint8Array> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > drainMax) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const body = new BodyCollector(limits.bodyBytes);
    let fits = true;
    let seen = 0;
    request.on('data', (chunk: Uint8Array) => {
      seen += chunk.byteLength;
      fits &&= body.add(chunk);
      if (seen > drainMax) reject(tooLarge());
    });
    request.on('end', () => (fits ? resolve(body.take()) : reject(tooLarge())));
    request.on('error', () => reject(brokenOff()));
    // Comes after every request; only one that broke off did not end before.
    request.on('close', () => request.complete || reject(brokenOff()));
  });
}

const tooLarge = (): ConcordatError =>
  new ConcordatError('too_large', `expected a body of at most ${limits.bodyBytes} bytes, got more`);

const brokenOff = (): ConcordatError => new ConcordatError('invalid_json', 'the body broke off');

function parse(bytes: Uint8Array): Json {
  try {
    if (planted('accept-proto-keys')) return JSON.parse(Buffer.from(bytes).toString('utf8')) as Json;
    return parseJson(bytes);
  } catch (error) {
    if (error instanceof JsonError) throw new ConcordatError('invalid_json', error.message);
    throw error;
  }
}
