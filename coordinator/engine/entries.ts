import type { Xid } from '../../sdk/protocol/ids.js';
import { Entry } from './entry.js';

/** The transactions in memory. One that nothing is going on with is let go of. */
export class Entries {
  readonly #all = new Map<Xid, Entry>();

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
    if (entry.isIdle) this.#all.delete(entry.xid);
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#all.values();
  }
}
