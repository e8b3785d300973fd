import type { CommandBody } from '../protocol/commands.js';
import type { Json } from '../protocol/json.js';
import type { CheckAnswer } from '../protocol/outcomes.js';

/** A command as it reached the host, by whatever way; its signature was looked at. */
export interface Received {
  readonly origin: string;
  readonly participant: string;
  readonly handler: string;
  readonly body: CommandBody;
  readonly attempt: number;
  /** UTC ms by this machine's clock: a command that is begun after it is dropped. Infinity when it does not say. */
  readonly expiresAt: number;
  /** For a late outcome. */
  readonly token: string | undefined;
}

/** What the host says to a command. Anything else that happens is an error, and read as `unknown`. */
export type Answer = OpAnswer | { readonly kind: 'checked'; readonly decision: CheckAnswer };

/** The same of the ops of a branch, which are behind its fence. */
export type OpAnswer =
  | { readonly kind: 'done'; readonly output: Json }
  | { readonly kind: 'refused'; readonly code: string | undefined; readonly reason: string }
  /** `running`: a twin is at work (425). Else the handler asked for time (202). */
  | { readonly kind: 'pending'; readonly retryAfterMs: number; readonly running: boolean };

/** Carries out one command behind its handler's fence. Rejects when nothing is known of it. */
export type Execute = (command: Received) => Promise<Answer>;

/** An answer that is no outcome: the coordinator reads it as `unknown` and asks again. Nothing was done. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}
