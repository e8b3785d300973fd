import type { Command } from '../../sdk/protocol/commands.js';
import type { CheckAnswer, Outcome } from '../../sdk/protocol/outcomes.js';

/** What came back from a call, read like an HTTP answer. */
export type Reply = Outcome | { readonly kind: 'checked'; readonly answer: CheckAnswer };

/** Sends one command and reads its answer. Never rejects: what went wrong is an outcome (`unknown`). */
export interface Transport {
  send(command: Command): Promise<Reply>;
  close(): Promise<void>;
}

/** An answer as it came over any wire, before it is read. */
export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}
