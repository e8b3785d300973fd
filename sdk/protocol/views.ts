import type { Json } from './json.js';
import type { Kind, Op } from './kinds.js';

export const transactionStatuses = [
  'active',
  'committing',
  'committed',
  'rolling_back',
  'rolled_back',
  'parked',
  'resolved',
] as const;
export type TransactionStatus = (typeof transactionStatuses)[number];
export type Decision = 'commit' | 'rollback';

export const branchStatuses = [
  'waiting',
  'running',
  'retrying',
  'done',
  'refused',
  'uncertain',
  'committed',
  'undone',
  'parked',
  'skipped',
] as const;
export type BranchStatus = (typeof branchStatuses)[number];

/** Statuses after which nothing happens any more. */
export const isFinal = (status: TransactionStatus): boolean =>
  status === 'committed' || status === 'rolled_back' || status === 'resolved';

/** Times are ISO 8601 UTC strings; null means "not (yet)". */
export interface BranchView {
  readonly branch: number;
  readonly id: string;
  readonly kind: Kind;
  readonly participant: string | null;
  readonly handler: string | null;
  readonly url?: string;
  readonly status: BranchStatus;
  readonly input: Json;
  readonly output: Json | null;
  /** Of the refusal, when its forward op was refused with one: for programs. */
  readonly code: string | null;
  /** Commands sent for the op that is or was last asked. */
  readonly attempts: number;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly lastError: string | null;
}

/** What a transaction waits for: one row a command that is in flight, due later, or parked. */
export interface WaitingOn {
  readonly branch: number;
  readonly participant: string | null;
  readonly op: Op;
  readonly attempt: number;
  /** Null for a parked branch: only a person moves it. */
  readonly dueAt: string | null;
  readonly lastError: string | null;
}

/** A transaction as lists show it. */
export interface TransactionSummaryView {
  readonly xid: string;
  readonly origin: string;
  readonly name: string;
  readonly businessKey: string | null;
  readonly status: TransactionStatus;
  /** With `parked` and `resolved` too: which way it went. Null until decided. */
  readonly decision: Decision | null;
  readonly reason: string | null;
  readonly openedAt: string;
  readonly decidedAt: string | null;
  readonly deadlineAt: string | null;
  readonly finishedAt: string | null;
  readonly durationMs: number | null;
}

export interface TransactionView extends TransactionSummaryView {
  readonly waitingOn: readonly WaitingOn[];
  readonly branches: readonly BranchView[];
  readonly metadata: Json;
  /** Outputs by step id. */
  readonly result: { readonly [id: string]: Json };
}

/** One event of a log. `type` and the rest as `docs/states.md` lists them. */
export interface EventView {
  readonly seq: number;
  readonly index: number;
  readonly type: string;
  readonly at: string;
  readonly [field: string]: Json;
}

/** One process that takes commands for a participant. */
export interface InstanceView {
  readonly id: string;
  readonly url: string;
  readonly batch: boolean;
  readonly sdk: string;
  readonly registeredAt: string;
  readonly renewedAt: string;
  /** In the past when it was not renewed in time, or took itself out of traffic. */
  readonly expiresAt: string;
  /** Whether it gets commands. */
  readonly alive: boolean;
}

/** A participant as the registry knows it. */
export interface ParticipantView {
  readonly name: string;
  readonly handlers: readonly { readonly name: string; readonly kind: Kind; readonly external: boolean }[];
  readonly resourceGroup: string | null;
  readonly instances: readonly InstanceView[];
}

/** The answer to a registration. */
export interface RegistrationView {
  readonly participant: string;
  readonly id: string;
  /** The coordinator's store: whose commands `fenceFloor` is about. */
  readonly origin: string;
  /** Registered anew by then, it stays in traffic. */
  readonly expiresAt: string;
  /** When the oldest transaction was opened that is not final, else now: what is older is asked for by nobody any more. */
  readonly fenceFloor: string;
}
