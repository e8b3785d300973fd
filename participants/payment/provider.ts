import { request } from 'undici';

/** A company that charges cards for us. What it is asked twice with the same key it does once. */
export interface Provider {
  /** Rejects when nothing is known of it. */
  charge(key: string, order: ChargeOrder, signal: AbortSignal): Promise<Said>;
  /** Gives back what was charged with the key, and sees to it that nothing can be any more. */
  cancel(key: string, metadata: Metadata, signal: AbortSignal): Promise<void>;
}

export interface ChargeOrder {
  readonly customer: string;
  readonly amountCents: number;
  readonly metadata: Metadata;
}

/** Kept with the charge, for whoever compares the provider's books with ours. */
export interface Metadata {
  readonly origin: string;
  readonly xid: string;
  readonly branch: number;
}

export type Said =
  | { readonly kind: 'charged'; readonly chargeId: string }
  | { readonly kind: 'declined'; readonly code: string; readonly reason: string }
  | { readonly kind: 'processing'; readonly retryAfterMs: number };

/** The provider at `url`. */
export function providerAt(url: string): Provider {
  const post = async (path: string, key: string, body: object, signal: AbortSignal) => {
    const answer = await request(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
      signal,
    });
    const json = (await answer.body.json()) as Record<string, unknown>;
    return { status: answer.statusCode, json };
  };
  return {
    async charge(key, order, signal) {
      const { status, json } = await post('/charges', key, order, signal);
      if (status === 201) return { kind: 'charged', chargeId: String(json.chargeId) };
      if (status === 202) return { kind: 'processing', retryAfterMs: Number(json.retryAfterMs) };
      if (status === 402) return { kind: 'declined', code: String(json.code), reason: String(json.reason) };
      throw unexpected(status, json);
    },
    async cancel(key, metadata, signal) {
      const { status, json } = await post('/cancellations', key, { metadata }, signal);
      if (status !== 200) throw unexpected(status, json);
    },
  };
}

/** Never a refusal: nobody knows what it means. */
const unexpected = (status: number, json: unknown): Error =>
  new Error(`the provider answered ${status} ${JSON.stringify(json)}`);
