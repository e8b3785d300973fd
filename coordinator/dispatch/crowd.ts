import { planted } from '#faults';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Reply } from './transport.js';

/** So many commands of one crowd wait at hand: enough to send on while others are called. */
const atHandDefault = 1000;

export interface CrowdParts {
  /** Without it nobody stands aside. */
  readonly callBack?: CallBack;
  readonly atHandMax?: number;
}

/** Stands for the reply of a command that stands aside: it is not kept, and asked for again when there is room. */
export const standsAside: Reply = Object.freeze({
  kind: 'unknown',
  error: 'not sent: too many wait before it',
  sent: false,
});

/** Calls for what a transaction asks of this process now. */
export type CallBack = (xid: Xid) => Promise<void>;

/**
 * Those who wait for the same. A command that waits takes some kilobytes with all that belongs to it; beyond so many
 * only the name of its transaction is kept, in the order in which they came, and its log is read again when there is room.
 */
export class Crowd {
  readonly name: string;
  /** Whom they wait for: a participant or a web origin. */
  readonly target: string;
  readonly #callBack: CallBack | undefined;
  readonly #most: number;
  #atHand = 0;
  readonly #aside = new Set<Xid>();
  readonly #called = new Set<Xid>();
  #calling = false;

  constructor(name: string, target: string, { callBack, atHandMax = atHandDefault }: CrowdParts) {
    this.name = name;
    this.target = target;
    this.#callBack = callBack;
    this.#most = atHandMax;
  }

  get aside(): number {
    return this.#aside.size;
  }

  get isEmpty(): boolean {
    return this.#atHand === 0 && this.#aside.size === 0 && !this.#calling;
  }

  /** Whether a command that cannot go at once is to stand aside. */
  isFull(xid: Xid): boolean {
    if (!this.#callBack || planted('keep-all-that-waits')) return false;
    return !this.#called.has(xid) && (this.#atHand >= this.#most || this.#aside.size > 0);
  }

  /** Notes whom to call back. Only once nobody holds the command any more: else the call would find it held. */
  standAside(xid: Xid): void {
    this.#aside.add(xid);
    this.#callSome();
  }

  came(): void {
    this.#atHand++;
  }

  went(): void {
    this.#atHand--;
    this.#callSome();
  }

  /** Half of those at hand at once, and others when half of them are gone. */
  #callSome(): void {
    if (this.#calling || this.#aside.size === 0 || this.#atHand >= this.#most / 2) return;
    this.#calling = true;
    void this.#call().then(() => {
      this.#calling = false;
      this.#callSome();
    });
  }

  async #call(): Promise<void> {
    const calls: Promise<void>[] = [];
    for (const xid of this.#aside) {
      if (calls.length >= this.#most / 2) break;
      this.#aside.delete(xid);
      this.#called.add(xid);
      // Who cannot be called is found by the sweep, as every transaction that is due.
      calls.push(this.#callBack?.(xid).catch(() => undefined) ?? Promise.resolve());
    }
    await Promise.all(calls);
    this.#called.clear();
  }
}
