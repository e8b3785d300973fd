import type { IncomingHttpHeaders } from 'node:http';
import { type ForwardFact, headers } from '../sdk/protocol/commands.js';
import { xidPattern } from '../sdk/protocol/ids.js';
import { type Json, JsonError, parseJson } from '../sdk/protocol/json.js';
import { Rejected } from './answers.js';
import { verifySignature } from './signature.js';

/** A command as it came over HTTP, checked; what it asks for is not known to exist here yet. */
export interface Received {
  readonly origin: string;
  readonly xid: string;
  readonly branch: number;
  readonly op: string;
  readonly input: Json;
  readonly forward: ForwardFact | undefined;
  /** UTC ms; Infinity when the command does not say. */
  readonly expiresAt: number;
}

export interface Envelope {
  readonly op: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** Reads a command; throws {@link Rejected} for what is none or is not signed as it must be. */
export function readCommand(envelope: Envelope, keys: readonly Buffer[], now: number): Received {
  const one = (name: string): string | undefined => [envelope.headers[name]].flat()[0];
  const { op } = envelope;
  const origin = one(headers.origin) ?? '';
  const xid = one(headers.xid) ?? '';
  const branch = Number(one(headers.branch));
  if (keys.length > 0) {
    const [id, timestamp, signature] = [
      one(headers.webhookId),
      one(headers.webhookTimestamp),
      one(headers.webhookSignature),
    ];
    verifySignature({ id, timestamp, signature, body: envelope.body }, keys, now);
    // Only this ties the headers, which are not signed themselves, to the signature.
    if (id !== `${origin}-${xid}-${branch}-${op}`)
      throw new Rejected(401, 'signature_invalid', 'webhook-id is of another command');
  }
  if (!/^[\w.:-]{1,128}$/.test(origin)) throw malformed(headers.origin, 'an id', origin);
  if (!xidPattern.test(xid)) throw malformed(headers.xid, 'an xid', xid);
  if (!Number.isInteger(branch) || branch < 1)
    throw malformed(headers.branch, 'a number from 1', String(one(headers.branch)));
  const expires = one(headers.expires);
  const expiresAt = expires === undefined ? Number.POSITIVE_INFINITY : Number(expires);
  if (Number.isNaN(expiresAt)) throw malformed(headers.expires, 'UTC milliseconds', String(expires));
  const body = readBody(envelope.body);
  if (body.xid !== xid || body.branch !== branch || body.op !== op)
    throw malformed('body', `xid, branch and op as in the headers and the path`, 'others');
  return { origin, xid, branch, op, input: body.input ?? null, forward: readForward(body.forward), expiresAt };
}

function readBody(bytes: Uint8Array): { readonly [name: string]: Json } {
  try {
    const body = parseJson(bytes);
    if (body !== null && typeof body === 'object' && !Array.isArray(body))
      return body as { readonly [name: string]: Json };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new Rejected(400, 'malformed', error.message);
  }
  throw new Rejected(400, 'malformed', 'body: expected a JSON object');
}

function readForward(value: Json | undefined): ForwardFact | undefined {
  if (value === undefined || value === 'done' || value === 'unknown' || value === 'refused') return value;
  throw malformed('forward', 'done, unknown or refused', JSON.stringify(value));
}

const malformed = (what: string, expected: string, got: string): Rejected =>
  new Rejected(400, 'malformed', `${what}: expected ${expected}, got ${got.slice(0, 80) || 'nothing'}`);
