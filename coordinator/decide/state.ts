import type { ForwardFact, Target } from '../../sdk/protocol/commands.js';
import type { AppendId, CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import type { Json } from '../../sdk/protocol/json.js';
import type { Kind, Op } from '../../sdk/protocol/kinds.js';
import type { Retry } from '../../sdk/protocol/limits.js';
import type { Decision, TransactionStatus } from '../../sdk/protocol/views.js';
import type { Policy, Resolution } from './events.js';

/** One op that is being asked: in flight when `dueAt` has come, else waiting for its next attempt. */
export interface Work {
  readonly op: Op;
  /** Number of the next or current command, from 1. */
  readonly attempt: number;
  readonly failures: number;
  /** Attempts in a row that may have been in flight when their coordinator died. */
  readonly crashes: number;
  readonly dueAt: number;
  /** When the op was first asked, or a person asked again: how long it has been tried. */
  readonly since: number;
  readonly pendingSince: number | null;
  /** Who made this attempt due: only that coordinator sends it. */
  readonly by: CoordinatorId;
  /** Seq of the row that made it due. */
  readonly seq: number;
}

/** Where a branch stands. */
export type Stage =
  /** Its turn has not come. */
  | { readonly at: 'waiting' }
  | { readonly at: 'asked'; readonly work: Work }
  /** The forward op is done; nothing is asked. */
  | { readonly at: 'done' }
  | { readonly at: 'refused' }
  | { readonly at: 'uncertain' }
  /** Must be undone, next by this attempt; those that came after it are not undone yet. */
  | { readonly at: 'to_undo'; readonly attempt: number }
  | {
      readonly at: 'parked';
      readonly op: Op;
      readonly attempt: number;
      readonly reason: string;
      readonly expiresAt: number;
    }
  /** `attempt`: the number of the last command of the op that ended it. */
  | { readonly at: 'committed'; readonly attempt: number }
  | { readonly at: 'undone'; readonly attempt: number }
  | { readonly at: 'skipped' };

export interface Branch {
  readonly number: number;
  readonly id: string;
  readonly kind: Kind;
  readonly target: Target;
  readonly input: Json;
  readonly templated: boolean;
  readonly after: readonly number[];
  readonly retry: Retry;
  readonly timeoutMs: number;
  readonly pivot: boolean;
  readonly deliverAt: number | null;
  readonly fingerprint: string | null;
  readonly stage: Stage;
  /** What is known of the forward op; null while it surely was not asked. */
  readonly forward: ForwardFact | null;
  /** Forward commands that may have been sent. */
  readonly forwardAttempts: number;
  /** A forward command may be under way until then, though the outcome is known: the undo waits for it. */
  readonly forwardExpiresAt: number;
  /** Some command that was never answered, of whatever op, may take effect until then: no person decides by hand before. */
  readonly unansweredUntil: number;
  readonly output: Json | null;
  /** Of the refusal of the forward op. */
  readonly code: string | null;
  readonly lastError: string | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** Place in the log's order of events: of its registration, and of its forward outcome. */
  readonly addedPosition: number;
  readonly outcomePosition: number | null;
}

/** The check of an `ask` transaction: under way, or given up on. */
export type Check =
  | { readonly at: 'asked'; readonly work: Work; readonly reason: string; readonly lastError: string | null }
  | { readonly at: 'parked'; readonly attempt: number; readonly reason: string };

/** What one person asked for, and waits for a second. */
export interface Proposal {
  readonly branches: readonly Resolution[];
  readonly by: string;
  readonly expiresAt: number;
}

/** The fold of a log. */
export interface State {
  readonly xid: Xid;
  readonly seq: number;
  readonly append: AppendId;
  /** Who appended last. */
  readonly owner: CoordinatorId;
  /** Time of the last row. */
  readonly at: number;
  /** Events folded so far. */
  readonly position: number;
  readonly origin: string;
  readonly name: string;
  readonly businessKey: string | null;
  readonly metadata: Json;
  readonly fingerprint: string;
  readonly traceId: string;
  readonly drivenBy: 'plan' | 'initiator';
  readonly onTimeout: 'rollback' | 'ask';
  readonly checkTarget: Target | null;
  readonly policy: Policy;
  readonly openedAt: number;
  readonly deadlineAt: number | null;
  readonly decidedAt: number | null;
  readonly finishedAt: number | null;
  readonly closing: boolean;
  readonly rollbackOnly: string | null;
  readonly check: Check | null;
  readonly decision: Decision | null;
  readonly reason: string | null;
  readonly parked: boolean;
  readonly ended: Extract<TransactionStatus, 'committed' | 'rolled_back' | 'resolved'> | null;
  /** Some branch was decided by a person. */
  readonly byHand: boolean;
  /** Gone as soon as one of its branches is no longer as it was. */
  readonly proposal: Proposal | null;
  /** What it grew by since it was opened: inputs of added branches and outputs, as JSON. */
  readonly grownBytes: number;
  /** Index is the branch's number less one. */
  readonly branches: readonly Branch[];
}

/** A state that is being made: a copy that nobody else has seen. Its fields are set; what hangs on it is replaced. */
export type Next = { -readonly [Field in keyof State]: State[Field] };

/** Spelled out: all states have one shape, which a spread of so many fields loses after a few copies of copies. */
export const copyOf = (state: State): Next => ({
  xid: state.xid,
  seq: state.seq,
  append: state.append,
  owner: state.owner,
  at: state.at,
  position: state.position,
  origin: state.origin,
  name: state.name,
  businessKey: state.businessKey,
  metadata: state.metadata,
  fingerprint: state.fingerprint,
  traceId: state.traceId,
  drivenBy: state.drivenBy,
  onTimeout: state.onTimeout,
  checkTarget: state.checkTarget,
  policy: state.policy,
  openedAt: state.openedAt,
  deadlineAt: state.deadlineAt,
  decidedAt: state.decidedAt,
  finishedAt: state.finishedAt,
  closing: state.closing,
  rollbackOnly: state.rollbackOnly,
  check: state.check,
  decision: state.decision,
  reason: state.reason,
  parked: state.parked,
  ended: state.ended,
  byHand: state.byHand,
  proposal: state.proposal,
  grownBytes: state.grownBytes,
  branches: state.branches,
});

/** Where a transaction stands, as the table of {@link file://./legality.ts} tells them apart. */
export const phases = [
  'absent',
  'open',
  'planned',
  'closing',
  'asking',
  'committing',
  'rolling_back',
  'parked_undecided',
  'parked_commit',
  'parked_rollback',
  'committed',
  'rolled_back',
  'resolved',
] as const;
export type TransactionPhase = (typeof phases)[number];

export function phaseOfState(state: State | undefined): TransactionPhase {
  if (!state) return 'absent';
  if (state.ended) return state.ended;
  if (state.parked) return state.decision ? `parked_${state.decision}` : 'parked_undecided';
  if (state.decision) return state.decision === 'commit' ? 'committing' : 'rolling_back';
  if (state.check) return 'asking';
  if (state.closing) return 'closing';
  return state.drivenBy === 'plan' ? 'planned' : 'open';
}

export function statusOf(state: State): TransactionStatus {
  if (state.ended) return state.ended;
  if (state.parked) return 'parked';
  if (state.decision) return state.decision === 'commit' ? 'committing' : 'rolling_back';
  return 'active';
}

export const branchOf = (state: State, number: number): Branch | undefined => state.branches[number - 1];

/** Nothing more will be asked of it, unless a person says so. */
export function isSettled(branch: Branch): boolean {
  switch (branch.stage.at) {
    case 'committed':
    case 'undone':
    case 'skipped':
    case 'refused':
      return true;
    default:
      return false;
  }
}
