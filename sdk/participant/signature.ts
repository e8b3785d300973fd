/**
 * Standard Webhooks, scheme v1. A signature holds for five minutes around its timestamp; that it can be replayed within
 * them is harmless at the same database, because the fence answers a repeat from what it kept, so nothing remembers
 * signatures. A signature covers the transaction, the branch, the op, the time and the body, and neither participant nor
 * handler: who can read commands on their way can show one to another host with the same secret. TLS keeps them out.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Rejected } from './command.js';

/** How far a signature's time may be from this clock. */
const toleranceMs = 5 * 60_000;
const secretBytesMin = 24;
const secretBytesMax = 64;

export interface Signed {
  readonly id: string | undefined;
  /** UTC seconds, as text. */
  readonly timestamp: string | undefined;
  /** `v1,<base64>`, several separated by spaces. */
  readonly signature: string | undefined;
  readonly body: Uint8Array;
}

/** The keys of `whsec_…` secrets, separated by spaces while they rotate. Throws TypeError when one is not such a secret. */
export const readSecrets = (text: string): readonly Buffer[] => text.split(/\s+/).filter(Boolean).map(keyOf);

function keyOf(secret: string, index: number): Buffer {
  const [, encoded = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const key = Buffer.from(encoded, 'base64');
  if (key.length >= secretBytesMin && key.length <= secretBytesMax) return key;
  // The secret itself stays out of the message, which may end in a log.
  throw new TypeError(
    `signingSecret: expected "whsec_" and the base64 of ${secretBytesMin} to ${secretBytesMax} bytes, got ` +
      `${secret.length} characters that are not that as secret ${index + 1}`,
  );
}

/** Throws a 401 for what none of the keys signed within the last minutes. `now` is UTC ms. */
export function verifySignature(signed: Signed, keys: readonly Buffer[], now: number): void {
  const { id, timestamp, signature, body } = signed;
  if (!id || !timestamp || !signature)
    throw invalid(
      "expected a signed command, as this host has a signing secret, got one without a signature; give the coordinator the host's secret as CONCORDAT_SIGNING_SECRET",
    );
  if (!/^\d{1,12}$/.test(timestamp)) throw invalid(`webhook-timestamp: expected UTC seconds, got ${shown(timestamp)}`);
  const offMs = Number(timestamp) * 1000 - now;
  // The word "timestamp" tells the coordinator that a clock is off, and not a secret.
  if (Math.abs(offMs) > toleranceMs)
    throw invalid(
      `webhook-timestamp: expected at most ${toleranceMs / 1000} s from this host's clock, got ${Math.round(offMs / 1000)} s`,
    );
  const expected = keys.map((key) => createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest());
  for (const part of signature.split(' ', signaturesMax)) {
    if (!part.startsWith('v1,')) continue;
    const given = Buffer.from(part.slice(3), 'base64');
    // Lengths are public; the bytes are compared in constant time.
    if (expected.some((mac) => mac.length === given.length && timingSafeEqual(mac, given))) return;
  }
  throw invalid('webhook-signature: expected one made with a secret of this host, got none that is');
}

/** More secrets than this rotate nowhere. */
const signaturesMax = 16;

const shown = (text: string): string => JSON.stringify(text.slice(0, 40));

/** A 401 that says what is wrong with a signature. */
export const invalid = (detail: string): Rejected => new Rejected(401, 'signature_invalid', detail);
