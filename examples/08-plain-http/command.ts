import type { IncomingHttpHeaders } from 'node:http';
import { type Json, Rejected } from './answers.js';
import { verifySignature } from './signature.js';

/** A command as it came over HTTP, checked; what it asks for is not known to exist here yet. */
export interface Command {
  /** With `xid` and `branch` it names the branch in all the world. */
  readonly origin: string;
  readonly xid: string;
  readonly branch: number;
  /** `action`, `compensate`, `try`, `confirm` or `cancel`. */
  readonly op: string;
  /** 1, 2, 3 … of this op on this branch. */
  readonly attempt: number;
  readonly input: Json;
  /** What the coordinator knows of the forward op; comes with commit and rollback ops. */
  readonly forward: 'done' | 'unknown' | 'refused' | undefined;
  /** UTC ms; Infinity when the command does not say. */
  readonly expiresAt: number;
}

export interface Envelope {
  /** The last part of the path. */
  readonly op: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** Reads a command; throws {@link Rejected} for what is none or is not signed as it must be. */
export function readCommand(envelope: Envelope, keys: readonly Buffer[], now: number): Command {
  const header = (name: string): string => [envelope.headers[name]].flat()[0] ?? '';
  const { op } = envelope;
  const origin = header('concordat-origin');
  const xid = header('concordat-xid');
  const branch = Number(header('concordat-branch'));
  if (keys.length > 0) {
    const id = header('webhook-id');
    const [timestamp, signature] = [header('webhook-timestamp'), header('webhook-signature')];
    verifySignature({ id, timestamp, signature, body: envelope.body }, keys, now);
    // Only this ties the headers, which are not signed themselves, to the signature.
    if (id !== `${origin}-${xid}-${branch}-${op}`)
      throw new Rejected(401, 'signature_invalid', 'webhook-id is of another command');
  }
  if (!/^[\w.:-]{1,128}$/.test(origin)) throw malformed('concordat-origin', 'an id', origin);
  if (!/^[A-Za-z0-9][\w.:-]{0,63}$/.test(xid)) throw malformed('concordat-xid', 'an xid', xid);
  if (!Number.isInteger(branch) || branch < 1)
    throw malformed('concordat-branch', 'a number from 1', header('concordat-branch'));
  const attempt = Number(header('concordat-attempt') || 1);
  if (!Number.isInteger(attempt) || attempt < 1)
    throw malformed('concordat-attempt', 'a number from 1', header('concordat-attempt'));
  const expires = header('concordat-expires');
  const expiresAt = expires === '' ? Number.POSITIVE_INFINITY : Number(expires);
  if (Number.isNaN(expiresAt)) throw malformed('concordat-expires', 'UTC milliseconds', expires);
  const body = readBody(envelope.body);
  if (body.xid !== xid || body.branch !== branch || body.op !== op)
    throw malformed('body', 'xid, branch and op as in the headers and the path', 'others');
  return { origin, xid, branch, op, attempt, input: body.input ?? null, forward: readForward(body.forward), expiresAt };
}

function readBody(bytes: Uint8Array): { readonly [name: string]: Json } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const body: unknown = JSON.parse(text, refuseProto);
    if (body !== null && typeof body === 'object' && !Array.isArray(body)) return body as { [name: string]: Json };
  } catch (error) {
    throw new Rejected(400, 'malformed', `body: expected JSON (${(error as Error).message})`);
  }
  throw new Rejected(400, 'malformed', 'body: expected a JSON object');
}

/** Such a key could poison an object that it is copied into. */
function refuseProto(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new Error('a key is __proto__');
  return value;
}

function readForward(value: Json | undefined): Command['forward'] {
  if (value === undefined || value === 'done' || value === 'unknown' || value === 'refused') return value;
  throw malformed('forward', 'done, unknown or refused', JSON.stringify(value));
}

const malformed = (what: string, expected: string, got: string): Rejected =>
  new Rejected(400, 'malformed', `${what}: expected ${expected}, got ${got.slice(0, 80) || 'nothing'}`);
