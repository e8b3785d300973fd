import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Op } from '../../sdk/protocol/kinds.js';

/** The secret of a store, from which the tokens of all its commands follow. */
export type TokenKey = string | Uint8Array;

/**
 * What a command carries so that its late outcome can be believed: an HMAC-SHA256 over transaction, branch and op. It is
 * the same for every attempt, and no use for another op.
 */
export const tokenFor = (key: TokenKey, xid: string, branch: number, op: Op): string =>
  createHmac('sha256', key).update(`${xid}\n${branch}\n${op}`).digest('base64url');

/** Whether a token is the one of this op, compared in constant time. */
export function isTokenFor(key: TokenKey, xid: string, branch: number, op: Op, token: string): boolean {
  const expected = Buffer.from(tokenFor(key, xid, branch, op));
  const got = Buffer.from(token);
  return got.length === expected.length && timingSafeEqual(got, expected);
}
