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

/** What is told of a transaction everywhere. */
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

/**
 * What became of a transaction in which a person decided a branch by hand: every branch took effect, none did, some did,
 * or nobody knows of some.
 */
export const heuristics = ['committed', 'rolled_back', 'mixed', 'unknown'] as const;
export type Heuristic = (typeof heuristics)[number];

/** What one person wants parked branches to be, where a second one must want the same. */
export interface ProposalView {
  readonly branches: readonly {
    readonly branch: number;
    readonly as: 'done' | 'skipped';
    readonly output: Json;
    readonly reason: string;
  }[];
  /** Name of the key; it takes one of another name to confirm. */
  readonly by: string;
  readonly expiresAt: string;
}

/** A transaction as a page of the list has it. */
export interface TransactionItemView extends TransactionSummaryView {
  /** Only with `resolved`. */
  readonly heuristic?: Heuristic;
  /** Null, with `result`, where the outputs of a page are too large together, or the log cannot be read. */
  readonly metadata: Json;
  /** Outputs by step id. */
  readonly result: { readonly [id: string]: Json } | null;
}

export interface TransactionView extends TransactionSummaryView {
  /** Only with `resolved`. */
  readonly heuristic?: Heuristic;
  /** Only while one waits for a second person. */
  readonly proposal?: ProposalView;
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

/** `open`: nobody answers, and nothing is sent. `half_open`: it is let come back slowly. */
export const breakerStates = ['closed', 'open', 'half_open'] as const;
export type BreakerState = (typeof breakerStates)[number];

/** How the calls of the coordinator that answers go. */
export interface ParticipantHealth {
  readonly breaker: BreakerState;
  /** Since when the breaker is so; null: since the start. */
  readonly since: string | null;
  readonly inFlight: number;
  /** Commands that wait: for room, the rate, the breaker, the end of a pause, or an instance. */
  readonly held: number;
  /** Of the calls of the last seconds, from 0 to 1. */
  readonly failureShare: number;
  readonly lastError: string | null;
}

/** A participant as the registry knows it, or the web origin of URLs. */
export interface ParticipantView {
  readonly name: string;
  /** What holds, of each coordinator by itself. `perSecond`: null without a limit. */
  readonly limits: { readonly concurrency: number; readonly perSecond: number | null };
  readonly paused: boolean;
  readonly health: ParticipantHealth;
  readonly handlers: readonly { readonly name: string; readonly kind: Kind; readonly external: boolean }[];
  readonly resourceGroup: string | null;
  readonly instances: readonly InstanceView[];
}

/** How a coordinator and its store are doing. */
export interface StatsView {
  readonly at: string;
  /** Of the store, by status. Those that are finished are counted more seldom than the others. */
  readonly transactions: { readonly [Status in TransactionStatus]: number };
  readonly countedAt: string;
  readonly finishedCountedAt: string;
  /** When the oldest one was opened that is not final, parked ones included; null when there is none. */
  readonly oldestUnfinishedAt: string | null;
  readonly oldestUnfinishedMs: number | null;
  /** Of the coordinator that answers, over the last minute. */
  readonly rates: { readonly openedPerSecond: number; readonly finishedPerSecond: number };
  /** Of the coordinator that answers: being sent, and waiting for their target. */
  readonly commands: { readonly inFlight: number; readonly held: number };
  /** Participants and web origins that the coordinator that answers sends to. */
  readonly participants: readonly (ParticipantHealth & { readonly name: string; readonly paused: boolean })[];
  /** What it wrote since it started. */
  readonly store: {
    readonly groups: number;
    readonly appends: number;
    readonly statements: number;
    readonly rowsWritten: number;
  };
  /** Streams of events that are open with it. */
  readonly watchers: number;
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

/** What an operator did, or the coordinator by itself to what operators look after. */
export interface AuditView {
  readonly position: number;
  readonly at: string;
  /** Name of the key; `anonymous` without keys, `system` for the coordinator itself. */
  readonly by: string;
  readonly role: string;
  readonly action: string;
  readonly xid: string | null;
  readonly participant: string | null;
  readonly detail: { readonly [field: string]: Json };
  readonly requestId: string | null;
}
