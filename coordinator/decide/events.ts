import type { Target } from '../../sdk/protocol/commands.js';
import type { Json } from '../../sdk/protocol/json.js';
import type { Kind, Op } from '../../sdk/protocol/kinds.js';
import type { Backoff, Retry } from '../../sdk/protocol/limits.js';
import type { Decision, TransactionStatus } from '../../sdk/protocol/views.js';

/** Version of the events below, written beside every row. */
export const eventsVersion = 1;

/** A branch as the log keeps it. What it leaves out is the transaction's {@link Policy}. */
export interface BranchSpec {
  readonly id: string;
  readonly kind: Kind;
  readonly target: Target;
  readonly input: Json;
  /** Numbers of the branches that come before it; only in a plan. */
  readonly after: readonly number[];
  readonly retry?: Retry;
  readonly timeoutMs?: number;
  readonly pivot?: true;
  /** UTC ms before which a message is not delivered. */
  readonly deliverAt?: number;
  /** Its input has references to fill in. */
  readonly templated?: true;
  /** Of the request that added it, for repeats; only when the initiator drives. */
  readonly fingerprint?: string;
}

/** The defaults that held when the transaction was opened. */
export interface Policy {
  readonly retry: Retry;
  readonly callMs: number;
  /** Commit and rollback ops. */
  readonly backoff: Backoff;
  readonly parkAfterMs: number;
  readonly pendingForMs: number;
  readonly crashesMax: number;
}

/** What a person wants a parked branch to be. */
export interface Resolution {
  readonly branch: number;
  readonly as: 'done' | 'skipped';
  readonly output: Json;
  readonly reason: string;
}

/** What happened, in the past tense: the only thing that is stored. `docs/states.md` is generated from this room. */
export type Event =
  | {
      readonly type: 'opened';
      readonly name: string;
      readonly origin: string;
      readonly businessKey: string | null;
      readonly metadata: Json;
      /** Of the request, for repeats. */
      readonly fingerprint: string;
      readonly drivenBy: 'plan' | 'initiator';
      readonly deadlineAt: number | null;
      readonly onTimeout: 'rollback' | 'ask';
      readonly check: Target | null;
      readonly traceId: string;
      readonly policy: Policy;
      readonly branches: readonly BranchSpec[];
    }
  | { readonly type: 'branch_added'; readonly spec: BranchSpec }
  /** The forward op took effect. */
  | {
      readonly type: 'branch_done';
      readonly branch: number;
      readonly attempt: number;
      readonly output: Json;
      /** Another command than the one that was answered may be under way until then. */
      readonly expiresAt?: number;
    }
  /** A business no, final. Attempt 0: refused by the coordinator before anything was sent. */
  | {
      readonly type: 'branch_refused';
      readonly branch: number;
      readonly attempt: number;
      readonly reason: string;
      readonly code: string | null;
      /** As in `branch_done`. */
      readonly expiresAt?: number;
    }
  /** No outcome; the next attempt is due then. */
  | {
      readonly type: 'attempt_failed';
      readonly branch: number;
      readonly op: Op;
      readonly attempt: number;
      readonly error: string;
      readonly dueAt: number;
      /** Its coordinator died while it may have been in flight. */
      readonly crashed?: true;
    }
  /** "Ask me again." */
  | {
      readonly type: 'branch_pending';
      readonly branch: number;
      readonly op: Op;
      readonly attempt: number;
      readonly dueAt: number;
    }
  /** The forward op ended with no outcome: it may or may not have taken effect. */
  | { readonly type: 'branch_uncertain'; readonly branch: number; readonly attempt: number; readonly error: string }
  | { readonly type: 'branch_committed'; readonly branch: number; readonly attempt: number }
  | { readonly type: 'branch_undone'; readonly branch: number; readonly attempt: number }
  /** Stopped; needs a person. Its last command may take effect until `expiresAt`. */
  | {
      readonly type: 'branch_parked';
      readonly branch: number;
      readonly op: Op;
      readonly attempt: number;
      readonly reason: string;
      readonly expiresAt: number;
    }
  /** A person decided a parked branch by hand. */
  | {
      readonly type: 'branch_resolved';
      readonly branch: number;
      readonly as: 'done' | 'skipped';
      readonly output: Json;
      readonly reason: string;
      readonly by: string;
      /** Who asked for it first, where two persons are needed. */
      readonly proposedBy?: string;
    }
  /** A person asked to decide parked branches by hand, and a second one must ask for the same by `expiresAt`. */
  | {
      readonly type: 'resolution_proposed';
      readonly branches: readonly Resolution[];
      readonly by: string;
      readonly expiresAt: number;
    }
  /** The initiator asked to commit: no new branches. */
  | { readonly type: 'closed' }
  | { readonly type: 'rollback_only'; readonly reason: string }
  /** In an `ask` transaction: the check handler is asked before rollback is decided. */
  | { readonly type: 'rollback_wanted'; readonly reason: string }
  | {
      readonly type: 'check_failed';
      readonly attempt: number;
      readonly error: string;
      readonly dueAt: number;
      /** As in `attempt_failed`. */
      readonly crashed?: true;
    }
  | { readonly type: 'check_parked'; readonly attempt: number; readonly reason: string }
  /** Never changes. */
  | { readonly type: 'decided'; readonly decision: Decision; readonly reason: string | null }
  /** Only parked branches are left. */
  | { readonly type: 'parked' }
  | { readonly type: 'ended'; readonly status: Extract<TransactionStatus, 'committed' | 'rolled_back' | 'resolved'> }
  /** A person asked to try again now. */
  | { readonly type: 'retried'; readonly by: string }
  /** Another coordinator took over from one that died. */
  | { readonly type: 'adopted'; readonly from: string };

export type EventType = Event['type'];
export type EventOf<T extends EventType> = Extract<Event, { type: T }>;
