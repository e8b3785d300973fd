/**
 * The list-append workload as it is fed: every append and every read, as numbers. A read is kept as a place in the longest list
 * that was read before it, where it agrees with that, so that a thousand reads of a list do not cost a thousand lists.
 */
import type { Kind } from '../../sdk/protocol/kinds.js';
import { bitOf } from './declared.js';
import { Numbers } from './numbers.js';

export const fate = Object.freeze({ unknown: 0, committed: 1, aborted: 2 });

export interface Reads {
  readonly key: Numbers;
  readonly txn: Numbers;
  readonly branch: Numbers;
  readonly kind: Numbers;
  /** Which list of its key, and how much of it. */
  readonly chain: Numbers;
  readonly length: Numbers;
}

export interface Appends {
  readonly key: Numbers;
  readonly txn: Numbers;
  readonly branch: Numbers;
  readonly kind: Numbers;
  readonly element: Numbers;
}

export interface OnOpen {
  /** Somebody read what a transaction wrote that is not decided: both, and the kind of the branch that wrote it. */
  readonly dirtyRead: (reader: string, writer: string, kind: number, key: string, element: number) => void;
  /** A transaction does not see what it wrote itself. */
  readonly overlooked: (reader: string, key: string, element: number) => void;
}

export class Lists {
  readonly xids: string[] = [];
  readonly keys: string[] = [];
  readonly fates = new Numbers();
  readonly reads: Reads = { ...places(), chain: new Numbers(), length: new Numbers() };
  readonly appends: Appends = { ...places(), element: new Numbers() };
  /** By key: the lists that were read, each of which goes on where those before it do not agree. */
  readonly chains: number[][][] = [];
  /** By key, what stands there at the end. */
  readonly finals = new Map<number, readonly number[]>();
  readonly #numbers = new Map<string, number>();
  readonly #keyNumbers = new Map<string, number>();
  /** By key: indexes of appends whose transaction is not decided. */
  readonly #undecided: (Set<number> | undefined)[] = [];
  readonly #undecidedOf = new Map<number, number[]>();
  readonly #on: OnOpen;

  constructor(on: OnOpen) {
    this.#on = on;
  }

  append(xid: string, branch: number, kind: Kind, name: string, element: number, isDecided: boolean): void {
    const txn = this.#txnOf(xid);
    const key = this.#keyOf(name);
    this.#note(this.appends, key, txn, branch, kind);
    const index = this.appends.element.push(element);
    if (isDecided) return;
    this.#undecided[key] = (this.#undecided[key] ?? new Set()).add(index);
    const own = this.#undecidedOf.get(txn);
    if (own) own.push(index);
    else this.#undecidedOf.set(txn, [index]);
  }

  read(xid: string, branch: number, kind: Kind, name: string, elements: readonly number[]): void {
    const txn = this.#txnOf(xid);
    const key = this.#keyOf(name);
    for (const index of this.#undecided[key] ?? []) {
      const writer = this.appends.txn.at(index);
      const element = this.appends.element.at(index);
      const isSeen = elements.includes(element);
      if (writer === txn && !isSeen) this.#on.overlooked(xid, name, element);
      if (writer !== txn && isSeen)
        this.#on.dirtyRead(xid, this.xids[writer] ?? '', this.appends.kind.at(index), name, element);
    }
    this.#note(this.reads, key, txn, branch, kind);
    this.reads.chain.push(this.#chainOf(key, elements));
    this.reads.length.push(elements.length);
  }

  final(name: string, elements: readonly number[]): void {
    const key = this.#keyOf(name);
    this.finals.set(key, elements);
    this.#chainOf(key, elements);
  }

  decided(xid: string): void {
    const txn = this.#numbers.get(xid);
    const own = txn === undefined ? undefined : this.#undecidedOf.get(txn);
    if (txn === undefined || !own) return;
    for (const index of own) this.#undecided[this.appends.key.at(index)]?.delete(index);
    this.#undecidedOf.delete(txn);
  }

  over(xid: string, end: 'committed' | 'aborted'): void {
    const txn = this.#numbers.get(xid);
    if (txn === undefined) return;
    this.fates.set(txn, fate[end]);
    // Nobody names it again.
    this.#numbers.delete(xid);
  }

  #note(into: Pick<Reads, 'key' | 'txn' | 'branch' | 'kind'>, key: number, txn: number, branch: number, kind: Kind) {
    into.key.push(key);
    into.txn.push(txn);
    into.branch.push(branch);
    into.kind.push(bitOf(kind));
  }

  #txnOf(xid: string): number {
    const known = this.#numbers.get(xid);
    if (known !== undefined) return known;
    this.xids.push(xid);
    const txn = this.fates.push(fate.unknown);
    this.#numbers.set(xid, txn);
    return txn;
  }

  #keyOf(name: string): number {
    const known = this.#keyNumbers.get(name);
    if (known !== undefined) return known;
    const key = this.keys.push(name) - 1;
    this.#keyNumbers.set(name, key);
    this.chains.push([]);
    return key;
  }

  /** The list of the key that these are the beginning of; one that they go on with is made longer. */
  #chainOf(key: number, elements: readonly number[]): number {
    const chains = this.chains[key] ?? [];
    const last = chains.at(-1);
    if (last && agree(last, elements)) {
      for (let i = last.length; i < elements.length; i++) last.push(elements[i] ?? 0);
      return chains.length - 1;
    }
    return chains.push([...elements]) - 1;
  }
}

const places = () => ({ key: new Numbers(), txn: new Numbers(), branch: new Numbers(), kind: new Numbers() });

function agree(one: readonly number[], other: readonly number[]): boolean {
  const shorter = Math.min(one.length, other.length);
  // What differs mostly differs at the end.
  for (let i = shorter - 1; i >= 0; i--) if (one[i] !== other[i]) return false;
  return true;
}
