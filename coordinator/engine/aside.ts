import type { Xid } from '../../sdk/protocol/ids.js';

/** Transactions of which nothing is kept but that a command of theirs waits elsewhere to be called for. */
export class Aside {
  readonly #lookAt = new Map<Xid, number>();

  get size(): number {
    return this.#lookAt.size;
  }

  /** `lookAt`: when something else of it is due, UTC ms. */
  add(xid: Xid, lookAt: number): void {
    this.#lookAt.set(xid, lookAt);
  }

  delete(xid: Xid): void {
    this.#lookAt.delete(xid);
  }

  /** Whether there is nothing to do for it before it is called for. */
  isUntouched(xid: Xid, now: number): boolean {
    return now < (this.#lookAt.get(xid) ?? Number.NEGATIVE_INFINITY);
  }
}
