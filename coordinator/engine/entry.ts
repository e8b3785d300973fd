import type { Xid } from '../../sdk/protocol/ids.js';
import type { Summary } from '../../sdk/protocol/summary.js';
import type { Role } from '../config.js';
import type { Input } from '../decide/inputs.js';
import type { State } from '../decide/state.js';
import { Hands, type InHand } from './hands.js';
import { Watchers } from './watchers.js';

export interface Handled {
  /** The state after it; durable. */
  readonly state: State;
  /** False for a repeat, or for what came too late to matter. */
  readonly changed: boolean;
}

/** Who asked, for records and logs: the call that a request came in by. */
export interface Asker {
  /** Name of the key. */
  readonly by: string;
  readonly role: Role;
  /** Null for calls within this process. */
  readonly requestId: string | null;
}

/** An input on its way into the log. */
export interface Waiting {
  readonly input: Input;
  /** Undefined when nobody outside did. */
  readonly asker?: Asker | undefined;
  /** What it answers; that stays in hand until the answer is in the log. */
  readonly answers: InHand | undefined;
  readonly resolve: (handled: Handled) => void;
  readonly reject: (error: Error) => void;
}

/** Inputs decided together in one row, at most. */
const inputsPerRow = 64;

/** What is kept in memory of a transaction that something is going on with. */
export class Entry {
  readonly xid: Xid;
  readonly hands = new Hands();
  readonly watchers = new Watchers();
  /** The newest state that was seen; durable. Undefined: it must be read. */
  state: State | undefined;
  /** The same, kept when it was forgotten: where it is in the log still, that is only read from there on. */
  last: State | undefined;
  /** How often what is known of it changed, also to nothing. */
  changes = 0;
  /** The summary of that state. */
  summary: Summary | undefined;
  /** When the state gives something to do; before the first look, at any time. */
  lookAt = Number.NEGATIVE_INFINITY;
  inputs: Waiting[] = [];
  busy = false;
  refreshing = false;
  /** Nobody said yet that it is there: opening it needs no look. */
  mayBeNew = true;
  /** Calls that hold on to this entry while they wait. */
  pins = 0;
  cancelTimer: (() => void) | undefined;
  /** So many inputs are decided one by one: together they could not be stored. */
  #alone = 0;

  constructor(xid: Xid) {
    this.xid = xid;
  }

  get isIdle(): boolean {
    return !this.busy && this.inputs.length === 0 && this.hands.size === 0 && this.pins === 0 && !this.cancelTimer;
  }

  /** Knows a state that is durable. */
  know(state: State | undefined, summary?: Summary): void {
    this.changes++;
    this.state = state;
    this.last = state ?? this.last;
    this.summary = summary;
    this.mayBeNew = false;
    this.lookAt = Number.NEGATIVE_INFINITY;
  }

  /** It must be read before anything is decided upon it. */
  forget(): void {
    this.know(undefined);
  }

  /** The inputs for the next row. */
  take(): readonly Waiting[] {
    const count = this.#alone > 0 ? 1 : inputsPerRow;
    this.#alone = Math.max(0, this.#alone - count);
    return this.inputs.length <= count ? this.inputs.splice(0) : this.inputs.splice(0, count);
  }

  /** Decides them again, before what came meanwhile. */
  putBack(batch: readonly Waiting[], how: 'together' | 'one by one' = 'together'): void {
    this.inputs.unshift(...batch);
    if (how === 'one by one') this.#alone = batch.length;
    else if (this.#alone > 0) this.#alone += batch.length;
  }

  stopTimer(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }
}
