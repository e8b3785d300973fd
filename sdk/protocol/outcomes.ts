import type { Json } from './json.js';

/**
 * What came back from a participant. `unknown` is anything that is not plainly one of the others (a timeout, a 5xx,
 * garbage) and is never treated as a no.
 */
export type Outcome =
  | { readonly kind: 'done'; readonly output: Json }
  | { readonly kind: 'refused'; readonly reason: string; readonly code?: string }
  | { readonly kind: 'pending'; readonly retryAfterMs: number }
  | { readonly kind: 'unknown'; readonly error: string; readonly retryAfterMs?: number };

/** What the initiator's check handler said of its own work. */
export type CheckAnswer = 'commit' | 'rollback' | 'unknown';
