import type { Command } from '../../sdk/protocol/commands.js';
import type { CheckAnswer, Outcome } from '../../sdk/protocol/outcomes.js';

/** Nothing was sent, so it says nothing about the target. */
export interface Unsent {
  readonly kind: 'unknown';
  readonly error: string;
  readonly sent: false;
}

/** No outcome, and none before a person mends a clock, or how the target is set up. It is tried again all the same. */
export interface Alarming {
  readonly kind: 'unknown';
  readonly error: string;
  readonly retryAfterMs?: number;
  readonly alarm: Alarm;
}
export type Alarm = 'clock' | 'setup';

/** What came back from a call, read like an HTTP answer. */
export type Reply = Outcome | Alarming | { readonly kind: 'checked'; readonly answer: CheckAnswer } | Unsent;

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
