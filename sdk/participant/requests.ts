/** Bodies of requests, bounded. */
import type { IncomingMessage } from 'node:http';
import { limits } from '../protocol/limits.js';
import { Rejected } from './command.js';

/** A filled input, an output, and room for the rest of a command. */
export const commandBytesMax = limits.filledBytes + limits.outcomeBodyBytes + 64 * 1024;
/** A later coordinator may send more than this version's would. */
export const batchBytesMax = 8 * limits.batchBytes;

/**
 * The bytes of a JSON body. Rejects with `Rejected` for what is no JSON, is compressed, is too large or breaks off. The
 * media type matters: a web page can post anything else here without being asked.
 */
export async function readBytes(request: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  const { headers } = request;
  const type = headers['content-type'];
  if (type !== 'application/json' && !/^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(type ?? ''))
    throw new Rejected(415, 'malformed', `content-type: expected application/json in UTF-8, got ${type ?? 'none'}`);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new Rejected(
      415,
      'malformed',
      `content-encoding: expected none, as nothing is decompressed, got ${encoding}`,
    );
  if (request.readableDidRead) return alreadyRead(request);
  if (Number(headers['content-length'] ?? 0) > bytesMax) throw tooLarge(request, bytesMax);
  return collect(request, bytesMax);
}

function collect(request: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.byteLength;
      if (length <= bytesMax) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      reject(tooLarge(request, bytesMax));
    });
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on('error', () => reject(brokenOff()));
    // Comes after every request; only one that broke off did not end before.
    request.on('close', () => request.complete || reject(brokenOff()));
  });
}

/** A body parser of the application was there before us: what it left is of use only as bytes. */
function alreadyRead(request: IncomingMessage): Uint8Array {
  const { body } = request as IncomingMessage & { readonly body?: unknown };
  if (body instanceof Uint8Array) return body;
  throw new Rejected(
    500,
    'body_consumed',
    'expected an unread body, got one that was parsed before; mount host.handle before express.json() and other body parsers',
  );
}

function tooLarge(request: IncomingMessage, bytesMax: number): Rejected {
  // Dropped as it comes: whoever is still sending then hears the answer.
  request.resume();
  return new Rejected(413, 'too_large', `expected a body of at most ${bytesMax} bytes, got more`);
}

const brokenOff = (): Rejected => new Rejected(400, 'malformed', 'the body broke off');
