import { createHash, createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { Op } from '../../sdk/protocol/kinds.js';

/** The secret of a store, from which the tokens of all its commands follow. */
export type TokenKey = string | Uint8Array;

/**
 * What a command carries so that its late outcome can be believed: an HMAC-SHA256 over transaction, branch and op. It is
 * the same for every attempt, and no use for another op.
 */
export function tokenFor(key: TokenKey, xid: string, branch: number, op: Op): string {
  const message = `${xid}\n${branch}\n${op}`;
  if (message.length > roomFor) return createHmac('sha256', key).update(message).digest('base64url');
  const { inner, outer } = padsOf(key);
  const length = inner.write(message, blockBytes, 'latin1');
  outer.write(hash('sha256', inner.subarray(0, blockBytes + length), 'binary'), blockBytes, 'latin1');
  return hash('sha256', outer, 'base64url');
}

/** Whether a token is the one of this op, compared in constant time. */
export function isTokenFor(key: TokenKey, xid: string, branch: number, op: Op, token: string): boolean {
  const expected = Buffer.from(tokenFor(key, xid, branch, op));
  const got = Buffer.from(token);
  return got.length === expected.length && timingSafeEqual(got, expected);
}

const blockBytes = 64;
const digestBytes = 32;
/** Xids, numbers and ops are ASCII, and this is twice as much as the longest of them together. */
const roomFor = 256;

/** The two hashes that an HMAC is (RFC 2104), with its key in place. */
interface Pads {
  readonly key: TokenKey;
  readonly inner: Buffer;
  readonly outer: Buffer;
}

let pads: Pads | undefined;

/** Every command has a token, and a process has one key: two plain hashes cost a third of an object for each HMAC. */
function padsOf(key: TokenKey): Pads {
  if (pads?.key === key) return pads;
  const bytes = Buffer.from(key as Uint8Array);
  const short = bytes.byteLength > blockBytes ? createHash('sha256').update(bytes).digest() : bytes;
  const inner = Buffer.alloc(blockBytes + roomFor, 0x36);
  const outer = Buffer.alloc(blockBytes + digestBytes, 0x5c);
  for (const [index, byte] of short.entries()) {
    inner[index] = byte ^ 0x36;
    outer[index] = byte ^ 0x5c;
  }
  pads = { key, inner, outer };
  return pads;
}
