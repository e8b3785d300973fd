import { createHmac, timingSafeEqual } from 'node:crypto';
import { Rejected } from './answers.js';

/** How far a signature's time may be from this clock. */
const toleranceMs = 5 * 60_000;
const secretBytesMin = 24;

export interface Signed {
  readonly id: string;
  /** UTC seconds, as text. */
  readonly timestamp: string;
  /** `v1,<base64>`, several separated by spaces. */
  readonly signature: string;
  readonly body: Uint8Array;
}

/** The keys of one or more `whsec_…` secrets, separated by spaces while they rotate. Throws when one is not such a secret. */
export function readSecrets(text: string): readonly Buffer[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((secret) => {
      const [, encoded = ''] = /^whsec_([A-Za-z0-9+/]+=*)$/.exec(secret) ?? [];
      const key = Buffer.from(encoded, 'base64');
      if (key.length < secretBytesMin)
        throw new Error(`signing secret: expected whsec_ and the base64 of ${secretBytesMin} bytes or more`);
      return key;
    });
}

/** Refuses, with 401, what none of the secrets signed within the last minutes. Standard Webhooks, scheme v1. */
export function verifySignature(
  { id, timestamp, signature, body }: Signed,
  keys: readonly Buffer[],
  now: number,
): void {
  if (!id || !timestamp || !signature) throw unsigned('webhook-id, webhook-timestamp and webhook-signature are needed');
  if (!/^\d{1,12}$/.test(timestamp)) throw unsigned(`webhook-timestamp: expected UTC seconds, got ${timestamp}`);
  const offMs = Number(timestamp) * 1000 - now;
  if (Math.abs(offMs) > toleranceMs)
    throw unsigned(`webhook-timestamp is ${Math.round(offMs / 1000)} s off this clock`);
  const expected = keys.map((key) => createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest());
  const given = signature
    .split(' ')
    .flatMap((part) => (part.startsWith('v1,') ? [Buffer.from(part.slice(3), 'base64')] : []));
  // Lengths are public; the bytes are compared in constant time.
  const matches = given.some((mac) => expected.some((key) => key.length === mac.length && timingSafeEqual(key, mac)));
  if (!matches) throw unsigned('webhook-signature fits none of the secrets');
}

const unsigned = (detail: string): Rejected => new Rejected(401, 'signature_invalid', detail);
