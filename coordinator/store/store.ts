import type { AppendId, CoordinatorId, Origin, Xid } from '../../sdk/protocol/ids.js';
import type { Kind } from '../../sdk/protocol/kinds.js';
import type { Summary } from '../../sdk/protocol/summary.js';
import type { TransactionStatus } from '../../sdk/protocol/views.js';

/** One row of a transaction's log: the events that were decided together. */
export interface LogRow {
  readonly xid: Xid;
  /** 1, 2, 3 … without a gap. */
  readonly seq: number;
  readonly append: AppendId;
  readonly appender: CoordinatorId;
  /** Version of the events' format. */
  readonly version: number;
  /** UTC ms on the store's clock, as the appender carried it. */
  readonly at: number;
  /** JSON array of the events. */
  readonly events: string;
}

/** A row to add, and what it was decided upon. */
export interface Append extends LogRow {
  /** The append id of row `seq - 1` that was seen; null for the first row. */
  readonly seen: AppendId | null;
  /** The transaction's summary row, where this append changes it. */
  readonly summary: Summary | null;
  /** What operators did by it: recorded in its commit, and not at all when it loses. */
  readonly audit?: readonly AuditEntry[];
}

/** What an operator did, or the coordinator by itself to what operators look after. Never a payload, never a secret. */
export interface AuditEntry {
  /** UTC ms on the store's clock, as who wrote it carried it. */
  readonly at: number;
  /** Name of the key; `anonymous` without keys, `system` for the coordinator itself. */
  readonly by: string;
  readonly role: string;
  readonly action: string;
  readonly xid: Xid | null;
  readonly participant: string | null;
  /** A JSON object. */
  readonly detail: string;
  readonly requestId: string | null;
}

export interface AuditRow extends AuditEntry {
  /** Rises with each record of a store; gaps mean nothing. */
  readonly position: number;
}

export interface AuditFilter {
  readonly xid?: string;
  readonly by?: string;
  readonly participant?: string;
  readonly limit: number;
  /** As `nextCursor` gave it. */
  readonly cursor?: string;
}

export interface AuditPage {
  readonly items: readonly AuditRow[];
  readonly nextCursor: string | null;
}

export interface SummaryRow extends Summary {
  readonly xid: Xid;
}

export interface ListFilter {
  readonly statuses: readonly TransactionStatus[];
  readonly name?: string;
  readonly businessKey?: string;
  readonly participant?: string;
  /** Opened strictly after / before, UTC ms. */
  readonly openedAfter?: number;
  readonly openedBefore?: number;
  readonly limit: number;
  /** As `nextCursor` gave it. */
  readonly cursor?: string;
}

export interface Page {
  readonly items: readonly SummaryRow[];
  readonly nextCursor: string | null;
}

/** A transaction that something was appended to, as it is by now. */
export interface Change {
  /** Where this lies in the order in which appends came: a look that goes on from here sees what came later. */
  readonly position: string;
  /** Number and time (UTC ms) of its newest row there. */
  readonly seq: number;
  readonly at: number;
  readonly row: SummaryRow;
}

/** A stretch of the log in the order it came. */
export interface Tail {
  /** Each transaction once, in the order of their positions. */
  readonly changes: readonly Change[];
  /** Where the next stretch goes on. */
  readonly position: string;
  /** There was more than was asked for. */
  readonly more: boolean;
}

/** A coordinator's claim to be alive, on the store's clock. */
export interface Lease {
  readonly id: CoordinatorId;
  readonly host: string;
  readonly pid: number;
  readonly renewedAt: number;
  readonly leaseMs: number;
}

/** A handler as an instance registered it. */
export interface RegisteredHandler {
  readonly name: string;
  readonly kind: Kind;
  /** Its effects are outside of the participant's database. */
  readonly external: boolean;
}

/** One process that takes commands for a participant, as it registered itself. */
export interface Registration {
  readonly participant: string;
  readonly id: string;
  readonly url: string;
  /** Sorted by name, each once. */
  readonly handlers: readonly RegisteredHandler[];
  /** Names it answers checks for; null: it does not say. */
  readonly checks: readonly string[] | null;
  readonly resourceGroup: string | null;
  /** Whether it takes several commands in one request. */
  readonly batch: boolean;
  /** Name and version of what it is built with. */
  readonly sdk: string;
  /** How long it is believed to be alive after it was last heard of; 0: it took itself out of traffic. */
  readonly ttlMs: number;
}

/** A registration with its times: UTC ms on the store's clock. */
export interface Instance extends Registration {
  /** When it came, or came back after it was gone. */
  readonly registeredAt: number;
  readonly renewedAt: number;
}

/** What operators set for a participant, or for the web origin of a URL. Null: no limit of its own. */
export interface ParticipantRow {
  readonly name: string;
  /** Calls at once. */
  readonly concurrency: number | null;
  /** Calls begun in a second. */
  readonly perSecond: number | null;
  /** Nothing is sent to it. */
  readonly paused: boolean;
}

/** What is to be another from now on; what it does not name stays. */
export type ParticipantChange = Pick<ParticipantRow, 'name'> & {
  readonly [Field in Exclude<keyof ParticipantRow, 'name'>]?: ParticipantRow[Field] | undefined;
};

/** Who this store is: drawn once, when it was made. */
export interface Identity {
  readonly origin: Origin;
  /** Key of the command tokens, 32 random bytes as hex. Never leaves the coordinator. */
  readonly tokenKey: string;
}

/**
 * The memory. One append is one row; the winners of a race are those whose append id is there afterwards.
 * Methods reject with {@link StoreError} and nothing else.
 */
export interface Store {
  readonly identity: Identity;
  /**
   * Adds a row where its `seen` is the append id of the row before; `won` once it is durable, `lost` when another row
   * has its place. Appends that arrive while a commit is in flight go out together in the next one.
   */
  append(append: Append): Promise<'won' | 'lost'>;
  /** A transaction's log in order, all of it or what follows row `after`; empty when there is none. */
  load(xid: Xid, after?: number): Promise<readonly LogRow[]>;
  /** Newest first, stable under inserts. Rejects with code `bad_cursor` for a cursor that is none of ours. */
  list(filter: ListFilter): Promise<Page>;
  /**
   * What was appended after a position, by anybody: at most `limit` rows of the log. Without a position nothing, and the
   * position of now. Null for one that is not of this store, or whose row is gone: what came since is not known.
   */
  tail(after: string | null, limit: number): Promise<Tail | null>;
  /** How many transactions have these statuses; one without any is left out. */
  counts(statuses: readonly TransactionStatus[]): Promise<ReadonlyMap<TransactionStatus, number>>;
  /** Records what was done to no transaction. What is done to one is recorded by its append. */
  record(entry: AuditEntry): Promise<void>;
  /** What was recorded, newest first. Rejects with code `bad_cursor` for a cursor that is none of ours. */
  audit(filter: AuditFilter): Promise<AuditPage>;
  /**
   * Transactions of this owner that are under way (not final, not parked) and due at `now`, longest overdue first;
   * without those that were due at `since` already.
   */
  due(owner: CoordinatorId, now: number, limit: number, since?: number): Promise<readonly Xid[]>;
  /** Transactions of this owner that are under way, by xid after `after`. */
  owned(owner: CoordinatorId, after: Xid | null, limit: number): Promise<readonly Xid[]>;
  /** Owners of transactions that are under way, with their lease; null when it is gone. */
  owners(): Promise<readonly { readonly owner: CoordinatorId; readonly lease: Lease | null }[]>;
  /** Writes this coordinator's lease as renewed now; resolves with the store's clock once that is done, UTC ms. */
  renewLease(lease: Omit<Lease, 'renewedAt'>): Promise<number>;
  /** Lets go of a lease; its transactions are then up for adoption at once. */
  dropLease(id: CoordinatorId): Promise<void>;
  leases(): Promise<readonly Lease[]>;
  /**
   * Writes an instance as renewed now. Null, and nothing written, while another living instance of the participant has
   * one of its handlers with another kind.
   */
  saveInstance(registration: Registration): Promise<Instance | null>;
  /** Takes an instance out of traffic; its row stays, with a `ttlMs` of 0. */
  endInstance(participant: string, id: string): Promise<void>;
  /** Removes an instance where it was not renewed since. */
  forgetInstance(instance: Instance): Promise<void>;
  /** By participant, then by id. */
  instances(): Promise<readonly Instance[]>;
  /** Changes what is set for a participant; resolves with all of it. */
  changeParticipant(change: ParticipantChange, audit?: AuditEntry): Promise<ParticipantRow>;
  /** Those for whom anything was ever set, by name. */
  participants(): Promise<readonly ParticipantRow[]>;
  /** When the oldest transaction was opened that is not final (parked ones included), UTC ms; null when there is none. */
  oldestUnfinished(): Promise<number | null>;
  /**
   * Deletes up to `limit` finished transactions that ended before that time, those opened first before others, in one
   * commit. Resolves with how many. Of each a tombstone stays: its xid can be opened no second time.
   */
  purge(finishedBefore: number, limit: number): Promise<number>;
  /** How many transactions a purge would delete. */
  purgeable(finishedBefore: number): Promise<number>;
  /** Deletes up to `limit` tombstones of what was purged before that time, oldest first. Resolves with how many. */
  dropTombstones(purgedBefore: number, limit: number): Promise<number>;
  /** The store's clock, UTC ms. Rejects when the store does not answer. */
  now(): Promise<number>;
  /** Counters since the start, for the bench and the metrics. */
  stats(): StoreStats;
  /** Waits for what is in flight. */
  close(): Promise<void>;
}

export interface StoreStats {
  readonly groups: number;
  readonly appends: number;
  readonly statements: number;
  readonly rowsWritten: number;
}

/**
 * - `outage`: nothing (or it is not known what) was written; the store may come back (busy for too long, disk full, read-only).
 * - `purged`: this transaction was finished and is deleted; its xid is not free yet.
 * - `corrupt`: this transaction's log cannot be read; others are not touched.
 * - `unstorable`: this append can never be stored as it is (too large, a value that the store refuses); others are not touched.
 * - `broken`: the store can no longer be trusted (an fsync failed); the process must end.
 * - `bad_cursor`, `closed`: the caller's fault.
 */
export type StoreErrorKind = 'outage' | 'purged' | 'corrupt' | 'unstorable' | 'broken' | 'bad_cursor' | 'closed';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly kind: StoreErrorKind;

  constructor(kind: StoreErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}
