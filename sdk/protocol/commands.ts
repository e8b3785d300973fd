import type { Xid } from './ids.js';
import type { Json } from './json.js';
import type { Kind, Op } from './kinds.js';

/** Where a branch's commands go: an address of its own, or a handler of a registered participant. */
export type Target = { readonly url: string } | { readonly participant: string; readonly handler: string };

/** What is known of a branch's forward op when it is told to commit or roll back. */
export type ForwardFact = 'done' | 'unknown' | 'refused';

/** The body of a command, as a participant gets it. */
export interface CommandBody {
  readonly xid: Xid;
  readonly branch: number;
  readonly id: string;
  readonly kind?: Kind;
  readonly op: Op;
  readonly input: Json;
  readonly output?: Json;
  readonly forward?: ForwardFact;
  readonly reason?: string;
}

/** "Do this op on this branch": a body, whom it is for and how long it holds. Idempotent; may be sent more than once. */
export interface Command {
  readonly body: CommandBody;
  readonly target: Target;
  /** Counts the commands of this op on this branch, from 1. */
  readonly attempt: number;
  /** UTC ms, from the log: when it is to be sent. */
  readonly dueAt: number;
  /** UTC ms, from the log: a command that meets this moment unsent or unread is dropped. */
  readonly expiresAt: number;
  /** W3C trace id (32 hex digits) of the transaction. */
  readonly traceId: string;
}

/** Names one attempt of one op of one branch; branch 0 is the check of the initiator. */
export const commandKey = (branch: number, op: Op, attempt: number): string => `${branch}.${op}.${attempt}`;

/** Header names of a command, as HTTP writes them. */
export const headers = Object.freeze({
  origin: 'concordat-origin',
  xid: 'concordat-xid',
  branch: 'concordat-branch',
  attempt: 'concordat-attempt',
  expires: 'concordat-expires',
  token: 'concordat-token',
  traceparent: 'traceparent',
  webhookId: 'webhook-id',
  webhookTimestamp: 'webhook-timestamp',
  webhookSignature: 'webhook-signature',
});
