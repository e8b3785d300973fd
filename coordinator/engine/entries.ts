import type { Xid } from '../../sdk/protocol/ids.js';
import type { State } from '../decide/state.js';
import { Entry } from './entry.js';

/** How many transactions that nothing is going on with are remembered, and how much each may have grown. */
const recentMax = 2000;
const recentBytesMax = 16 * 1024;

/**
 * The transactions in memory. One that nothing is going on with is let go of; what was last known of it is remembered for
 * a while, so that an initiator's next request needs no look at the log.
 */
export class Entries {
  readonly #all = new Map<Xid, Entry>();
  readonly #recent = new Map<Xid, Entry>();

  get size(): number {
    return this.#all.size;
  }

  get(xid: Xid): Entry | undefined {
    return this.#all.get(xid);
  }

  of(xid: Xid): Entry {
    let entry = this.#all.get(xid);
    if (!entry) {
      entry = new Entry(xid);
      this.#all.set(xid, entry);
    }
    return entry;
  }

  /**
   * The same, as it was last known. It may be behind what another coordinator did: only for what is decided upon it, as
   * an append that is behind loses.
   */
  remembered(xid: Xid): Entry {
    const entry = this.of(xid);
    const recent = this.#recent.get(xid);
    this.#recent.delete(xid);
    if (recent && entry.mayBeNew) entry.know(recent.state, recent.summary);
    return entry;
  }

  /** Holds it in memory while somebody waits on it, so that there is never a second one of a transaction. */
  pin(xid: Xid): Entry {
    const entry = this.of(xid);
    entry.pins++;
    return entry;
  }

  unpin(entry: Entry): void {
    entry.pins--;
    this.letGo(entry);
  }

  letGo(entry: Entry): void {
    if (!entry.isIdle) return;
    this.#all.delete(entry.xid);
    this.#recent.delete(entry.xid);
    if (entry.state && isAwaited(entry.state)) this.#remember(entry);
  }

  #remember(entry: Entry): void {
    this.#recent.set(entry.xid, entry);
    if (this.#recent.size <= recentMax) return;
    const [oldest] = this.#recent.keys();
    if (oldest) this.#recent.delete(oldest);
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#all.values();
  }
}

/** Its initiator is about to ask for more. */
const isAwaited = ({ drivenBy, decision, grownBytes }: State): boolean =>
  drivenBy === 'initiator' && !decision && grownBytes <= recentBytesMax;
