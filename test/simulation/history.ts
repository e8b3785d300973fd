/** What happened in one run, written down as it happened and never changed: all that the checker looks at. */
import type { Input } from '../../coordinator/decide/inputs.js';
import type { State } from '../../coordinator/decide/state.js';
import type { LogRow } from '../../coordinator/store/store.js';
import type { AppendId, Xid } from '../../sdk/protocol/ids.js';
import type { Op } from '../../sdk/protocol/kinds.js';
import type { Decision, TransactionStatus } from '../../sdk/protocol/views.js';

/** Money or stock that an effect moved, by the name of its place. */
export type Delta = readonly [cell: string, by: number];

/** A row of a ledger, committed together with the work. `order` counts through everything that became durable anywhere. */
export interface Effect {
  readonly order: number;
  readonly at: number;
  readonly participant: string;
  readonly xid: Xid;
  readonly branch: number;
  readonly op: Op;
  readonly deltas: readonly Delta[];
  /** Its handler marked the transaction rollback-only. */
  readonly isMarked: boolean;
}

/** A row of a log that its store said is durable. */
export interface Won {
  readonly order: number;
  readonly xid: Xid;
  readonly seq: number;
  readonly append: AppendId;
  readonly ends: boolean;
}

/** What somebody was told of a transaction: it must hold for ever. */
export interface Told {
  /** False: it was told what was read, and nothing was written for it. */
  readonly changed: boolean;
  readonly xid: Xid;
  readonly by: string;
  readonly asked: string;
  readonly seq: number;
  readonly append: AppendId;
  readonly decision: Decision | null;
  readonly status: TransactionStatus;
}

/** What somebody asked a coordinator, and whether it was answered. */
export interface Asked {
  readonly xid: Xid;
  readonly input: Input;
  isAnswered: boolean;
}

/** A request that was made before with the same id: whether it was answered like the first, or with which error. */
export interface Repeat {
  readonly xid: Xid;
  readonly asked: string;
  readonly isSame: boolean;
  readonly got: 'answered' | string;
}

/** What a person did and was told is done. `by` is different each time. */
export interface Deed {
  readonly xid: Xid;
  readonly by: string;
  readonly what: 'retry' | 'resolve';
  readonly changed: boolean;
  readonly branches: number;
}

/** A call in the code of a client, and what that code saw of it. */
export interface CallHeard {
  readonly id: string;
  /** `failed`: an error that says it was not done; `unknown`: one that leaves it open; `unseen`: nobody looked. */
  saw: 'done' | 'failed' | 'unknown' | 'rolled back' | 'unseen';
}

/** What a client of the SDK was told how its transaction ended. */
export interface Heard {
  readonly xid: Xid;
  readonly asked: string;
  /** `not committed`: its code threw, and nobody said that it is rolled back by now; `never`: it surely did not come to be. */
  readonly said: Decision | 'not committed' | 'never' | 'nothing';
  readonly status: TransactionStatus | undefined;
  readonly calls: readonly CallHeard[];
}

export interface History {
  readonly heard?: readonly Heard[];
  readonly logs: ReadonlyMap<Xid, readonly LogRow[]>;
  readonly effects: readonly Effect[];
  readonly won: readonly Won[];
  readonly told: readonly Told[];
  readonly repeats: readonly Repeat[];
  readonly deeds: readonly Deed[];
  /** Rows that could be read before they were durable, and were lost: what was only read of them holds nothing. */
  readonly phantoms: Pick<ReadonlySet<AppendId>, 'has'>;
  /** Transactions that such rows were of. */
  readonly lost?: ReadonlySet<Xid>;
  /** What stood in each place before the first effect, and what stands there now. */
  readonly before: ReadonlyMap<string, number>;
  readonly after: ReadonlyMap<string, number>;
  /** What was sent and must never be. */
  readonly sent: readonly string[];
  /** What was seen in handlers and must never be. */
  readonly seen: readonly string[];
}

export interface Violation {
  readonly invariant: string;
  readonly xid: Xid | undefined;
  readonly what: string;
  /** The transaction's log and effects, as lines. */
  readonly steps: readonly string[];
}

/** What a whole log came to. */
export interface Folded {
  readonly state: State;
  readonly rows: readonly LogRow[];
  readonly effects: readonly Effect[];
  /** By what people did, each `by` as often as it is in the log. */
  readonly deeds: ReadonlyMap<string, number>;
  /** Branches that were parked at some time: they hold back nobody's undo. */
  readonly parked: ReadonlySet<number>;
}
