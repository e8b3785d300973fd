/** What a call of a participant is given besides its input. */
import type { Kind } from '../protocol/kinds.js';
import type { BranchBody } from '../protocol/schemas.js';

/** Whom a call is for: a handler of a registered participant, or the address of a service without the SDK. */
export type CallTarget =
  | { readonly participant: string; readonly handler: string }
  | { readonly url: string; readonly kind: Kind };

export interface CallOptions {
  /**
   * Of the branch: the key of the call within its transaction; give one to repeat a call by hand. Drawn when absent; outside
   * of a transaction it is the name of the handler.
   */
  readonly id?: string;
  /** Of the forward op. */
  readonly retry?: BranchBody['retry'];
  /** Of one attempt, in ms; 10 s by default. */
  readonly timeoutMs?: number;
}

/** Options of a call outside of a transaction. */
export interface LoneCallOptions extends CallOptions {
  /** Of the transaction that the call is: the same xid, input and options again is the same call. Drawn when absent. */
  readonly xid?: string;
  /** When the call is given up and rolled back, in ms; a minute by default. Inside a transaction its own deadline counts. */
  readonly deadlineMs?: number;
}
