/**
 * A history: what happened, one record a line of JSON, only ever added to. The first is its head. Records come in the order in
 * which things became durable (`happened`), or table by table as somebody read them afterwards (`dumped`).
 */
import type { Event } from '../../coordinator/decide/events.js';
import type { Op } from '../../sdk/protocol/kinds.js';
import type { Decision, TransactionStatus } from '../../sdk/protocol/views.js';

export interface Head {
  readonly t: 'history';
  readonly version: 1;
  readonly order: 'happened' | 'dumped';
  /** Who wrote it, and from what: a seed, a date. */
  readonly of?: string;
  /** How far clocks may be apart, ms; where given, effects of a `dumped` history are held against the time of the end. */
  readonly driftMs?: number;
  /** A participant's clock was wrong: what a person decided by hand may be followed by a late command. */
  readonly clocksJumped?: boolean;
  /** Every transaction that ends by itself moves as much away as to, and holds nothing back. */
  readonly conserved?: boolean;
}

/** A row of a transaction's log. */
export interface RowRecord {
  readonly t: 'row';
  readonly xid: string;
  readonly seq: number;
  readonly append: string;
  readonly appender: string;
  /** UTC ms. */
  readonly at: number;
  /** As a store keeps them, or parsed. */
  readonly events: string | readonly Event[];
}

/** What a handler read or appended in its local transaction. An element is in a list once, whoever put it there. */
export type MicroOp =
  | readonly ['append', key: string, element: number]
  | readonly ['read', key: string, elements: readonly number[]]
  /** Every balance of its participant at one moment, added up; what is only announced does not count. */
  | readonly ['total', participant: string, sum: number];

/** A row of an effect ledger, committed with the work. */
export interface EffectRecord {
  readonly t: 'effect';
  readonly xid: string;
  readonly branch: number;
  readonly op: Op;
  readonly participant: string;
  /** UTC ms. */
  readonly at?: number;
  /** Its place among everything that became durable, where a `dumped` history knows it. */
  readonly order?: number;
  /** What it moved, by cell. Cells named `…held:…` and `…pending:…` must be empty when a transaction is over. */
  readonly deltas?: readonly (readonly [cell: string, by: number])[];
  /** Its handler marked the transaction rollback-only. */
  readonly isMarked?: boolean;
  readonly micro?: readonly MicroOp[];
}

/** A row that its store said is durable. */
export interface WonRecord {
  readonly t: 'won';
  readonly xid: string;
  readonly seq: number;
  readonly append: string;
  /** With `order`: no effect comes after it. */
  readonly ends?: boolean;
  readonly order?: number;
}

/** What somebody was told: it must hold for ever. */
export interface ToldRecord {
  readonly t: 'told';
  readonly xid: string;
  readonly by: string;
  /** What had been asked. */
  readonly asked: string;
  /** False: nothing was written for it, it was told what was read. */
  readonly changed?: boolean;
  /** The row that the answer rests upon. */
  readonly seq?: number;
  readonly append?: string;
  readonly decision?: Decision | null;
  readonly status?: TransactionStatus;
  /** A branch by its number, and what its forward op came to. */
  readonly branch?: number;
  readonly forward?: string;
}

/** A request that was made before with the same id: answered alike, or with which error. */
export interface RepeatRecord {
  readonly t: 'repeat';
  readonly xid: string;
  readonly asked: string;
  readonly isSame: boolean;
  /** `answered`, `nothing`, or the code of the error. */
  readonly got: string;
}

/** What a person did, by a name that is different each time, and how many events that must be. */
export interface DeedRecord {
  readonly t: 'deed';
  readonly xid: string;
  readonly by: string;
  readonly what: string;
  readonly changed: boolean;
  readonly branches: number;
}

/** A command on the wire, as its sender sees it: in flight from `sent` to `answered`, which is also the time-out. */
export interface WireRecord {
  readonly t: 'sent' | 'answered';
  readonly at: number;
  readonly from: string;
  readonly participant: string;
  readonly xid: string;
  readonly branch: number;
  readonly op: Op;
}

export type HistoryRecord =
  | Head
  | RowRecord
  | EffectRecord
  | WonRecord
  | ToldRecord
  | RepeatRecord
  | DeedRecord
  | WireRecord
  /** A row that could be read before it was durable, and was lost: what was only read of it holds nothing. */
  | { readonly t: 'phantom'; readonly append: string }
  /** How the initiator's own work ended, where it is asked. */
  | { readonly t: 'marker'; readonly xid: string; readonly decision: Decision }
  /** What stood in a cell before the first effect, or stands there at the end. */
  | { readonly t: 'cell'; readonly cell: string; readonly when: 'before' | 'after'; readonly amount: number }
  /** What stands in a list at the end. */
  | { readonly t: 'list'; readonly key: string; readonly elements: readonly number[] }
  /** A prepared database branch that is there at the end. */
  | { readonly t: 'prepared'; readonly participant: string; readonly xid: string }
  /** What a participant takes at most: commands at once, and in any second. */
  | {
      readonly t: 'limit';
      readonly participant: string;
      readonly atOnceMax?: number;
      readonly perSecondMax?: number;
    }
  /** What a witness saw that must never be. */
  | { readonly t: 'wrong'; readonly invariant: string; readonly xid?: string; readonly what: string }
  /** Nothing fails any more, and time enough has passed: everything must be final or parked. */
  | { readonly t: 'settled' };

export interface Violation {
  readonly invariant: string;
  readonly xid: string | undefined;
  readonly what: string;
  /** The transaction's log and effects, or the cycle, as lines. */
  readonly steps: readonly string[];
}

export type Report = (invariant: string, xid: string | undefined, what: string, steps?: readonly string[]) => void;
