import { createHmac } from 'node:crypto';

/** Makes the value of a `webhook-signature` header. */
export type Sign = (id: string, timestampSeconds: number, body: string) => string;

/** Signs with whatever secrets are in use now. */
export class Signing {
  sign: Sign | undefined;

  /** Throws as {@link signer} does. */
  constructor(secrets: readonly string[]) {
    this.sign = signer(secrets);
  }
}

const prefix = 'whsec_';
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** What the Standard Webhooks specification asks of a secret. */
const secretBytesMin = 24;
const secretBytesMax = 64;

/**
 * Signs as the Standard Webhooks specification says, with every secret: while they rotate, a receiver finds the one it
 * knows. Undefined without secrets. Throws when one is not of the form `whsec_` and base64.
 */
export function signer(secrets: readonly string[]): Sign | undefined {
  if (secrets.length === 0) return undefined;
  const keys = secrets.map(keyOf);
  return (id, timestampSeconds, body) => {
    const content = `${id}.${timestampSeconds}.${body}`;
    return keys.map((key) => `v1,${createHmac('sha256', key).update(content).digest('base64')}`).join(' ');
  };
}

function keyOf(secret: string, index: number): Buffer {
  const text = secret.slice(prefix.length);
  const key = Buffer.from(text, 'base64');
  if (secret.startsWith(prefix) && base64.test(text) && key.length >= secretBytesMin && key.length <= secretBytesMax)
    return key;
  // The secret itself stays out of the message, which may end in a log.
  throw new Error(
    `signing secret ${index + 1}: expected "${prefix}" and the base64 of ${secretBytesMin} to ${secretBytesMax} bytes, ` +
      `got ${secret.length} characters that are not that`,
  );
}
