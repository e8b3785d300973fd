import type { Xid } from '../../sdk/protocol/ids.js';

/** More than these are not told apart: all are looked at. */
const namedMax = 10_000;

/**
 * Transactions that this process may have moved without knowing it, or could not act on: the answer of an append was
 * lost, the log could not be read, the lease had run out. The sweep looks after them as soon as the store answers.
 */
export class Doubts {
  #named = new Set<Xid>();
  #all = false;

  add(xid: Xid): void {
    if (this.#named.size < namedMax) this.#named.add(xid);
    else this.#all = true;
  }

  /** Hands them over; they are doubted again when the look fails. */
  take(): readonly Xid[] | 'all' {
    const taken = this.#all ? 'all' : [...this.#named];
    this.#named = new Set();
    this.#all = false;
    return taken;
  }
}
