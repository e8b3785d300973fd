/**
 * From the lists that were read: the order of each list's versions, the edges that follow from it, and what is wrong with
 * single reads. What was undone is taken out first: its place in a list holds nobody's order.
 */
import { type Edges, edge, noEdges } from './graph.js';
import { fate, type Lists } from './lists.js';
import { type Groups, groupBy } from './numbers.js';

export type ReadAnomaly = 'G1a' | 'G1b' | 'lost update';

export interface OnRead {
  /** `kinds`: bits of the kinds whose isolation it says something of. */
  readonly anomaly: (
    name: ReadAnomaly,
    kinds: number,
    reader: number,
    other: number,
    key: number,
    element: number,
  ) => void;
  /** What no isolation explains. */
  readonly wrong: (invariant: string, txn: number | undefined, what: string) => void;
}

export function edgesOf(lists: Lists, on: OnRead): Edges {
  const edges = noEdges();
  const { keys, appends, reads } = lists;
  const appended = groupBy(appends.key.view(), keys.length);
  const read = groupBy(reads.key.view(), keys.length);
  for (let key = 0; key < keys.length; key++) new Versions(lists, key, appended, edges, on).derive(read);
  return edges;
}

/** A list that was read, by what became of each element: how many of those before a place are committed, how many undone. */
interface Sifted {
  readonly committed: readonly number[];
  readonly committedBefore: readonly number[];
  readonly undoneBefore: readonly number[];
}

/** One list. */
class Versions {
  readonly #lists: Lists;
  readonly #key: number;
  readonly #edges: Edges;
  readonly #on: OnRead;
  /** Index of the append, by element. */
  readonly #writes = new Map<number, number>();
  /** Appends in the order of the versions. */
  #order: readonly number[] = [];
  /** The last version that a transaction wrote, by transaction. */
  readonly #last = new Map<number, number>();
  readonly #first = new Map<number, number>();

  constructor(lists: Lists, key: number, { starts, indexes }: Groups, edges: Edges, on: OnRead) {
    this.#lists = lists;
    this.#key = key;
    this.#edges = edges;
    this.#on = on;
    for (let at = starts[key] ?? 0; at < (starts[key + 1] ?? 0); at++) {
      const index = indexes[at] ?? 0;
      const element = lists.appends.element.at(index);
      if (this.#writes.has(element)) on.wrong('I5', this.#writer(index), `${element} is put into ${this.#name} twice`);
      this.#writes.set(element, index);
    }
  }

  get #name(): string {
    return this.#lists.keys[this.#key] ?? '';
  }

  derive({ starts, indexes }: Groups): void {
    const sifted = (this.#lists.chains[this.#key] ?? []).map((chain) => this.#sift(chain));
    this.#settleOrder(sifted);
    this.#checkEnd();
    this.#link();
    const { reads, fates } = this.#lists;
    for (let at = starts[this.#key] ?? 0; at < (starts[this.#key + 1] ?? 0); at++) {
      const index = indexes[at] ?? 0;
      const one = sifted[reads.chain.at(index)];
      if (one && fates.at(reads.txn.at(index)) === fate.committed) this.#read(index, one);
    }
  }

  #writer(index: number): number {
    return this.#lists.appends.txn.at(index);
  }

  #sift(chain: readonly number[]): Sifted {
    const committed: number[] = [];
    const committedBefore = [0];
    const undoneBefore = [0];
    let undone = 0;
    for (const element of chain) {
      const index = this.#writes.get(element);
      if (index === undefined)
        this.#on.wrong('I3', undefined, `${element} was read in ${this.#name}, and nobody put it there`);
      const is = index === undefined ? fate.unknown : this.#lists.fates.at(this.#writer(index));
      if (is === fate.committed && index !== undefined) committed.push(index);
      if (is === fate.aborted) undone++;
      committedBefore.push(committed.length);
      undoneBefore.push(undone);
    }
    return { committed, committedBefore, undoneBefore };
  }

  #settleOrder(sifted: readonly Sifted[]): void {
    for (const { committed } of sifted) if (committed.length > this.#order.length) this.#order = committed;
    for (const { committed } of sifted) {
      const at = committed.findIndex((index, place) => this.#order[place] !== index);
      if (at < 0) continue;
      const shown = (order: readonly number[]) => order.map((index) => this.#lists.appends.element.at(index)).join(' ');
      this.#on.wrong(
        'isolation',
        undefined,
        `${this.#name} was read as ${shown(this.#order)} and as ${shown(committed)}`,
      );
    }
    for (const [place, index] of this.#order.entries()) {
      this.#last.set(this.#writer(index), place);
      if (!this.#first.has(this.#writer(index))) this.#first.set(this.#writer(index), place);
    }
  }

  /** What stands there when all is over: all that was committed, and nothing that was undone. */
  #checkEnd(): void {
    const { finals, appends, fates } = this.#lists;
    const end = finals.get(this.#key);
    if (!end) return;
    const there = new Set(end);
    for (const [element, index] of this.#writes) {
      const is = fates.at(this.#writer(index));
      if (is === fate.committed && !there.has(element))
        this.#on.wrong('I1', this.#writer(index), `${element} is committed, and not in ${this.#name}`);
      if (is === fate.aborted && there.has(appends.element.at(index)))
        this.#on.wrong('I1', this.#writer(index), `${element} is rolled back, and still in ${this.#name}`);
    }
  }

  #link(): void {
    for (let place = 1; place < this.#order.length; place++)
      this.#add(this.#order[place - 1] ?? 0, this.#order[place] ?? 0, place);
  }

  #add(before: number, after: number, place: number): void {
    const { kind } = this.#lists.appends;
    this.#edge(this.#writer(before), this.#writer(after), edge.ww, kind.at(before) | kind.at(after), place);
  }

  #edge(from: number, to: number, type: number, kinds: number, position: number): void {
    if (from === to) return;
    const edges = this.#edges;
    edges.from.push(from);
    edges.to.push(to);
    edges.type.push(type);
    edges.kinds.push(kinds);
    edges.key.push(this.#key);
    edges.position.push(position);
  }

  #read(index: number, { committedBefore, undoneBefore }: Sifted): void {
    const { reads, appends } = this.#lists;
    const reader = reads.txn.at(index);
    const length = reads.length.at(index);
    const version = committedBefore[length] ?? 0;
    if ((undoneBefore[length] ?? 0) > 0) this.#undoneRead(index);
    const kind = reads.kind.at(index);
    const seen = this.#order[version - 1];
    if (version > 0 && seen !== undefined) {
      const writer = this.#writer(seen);
      this.#edge(writer, reader, edge.wr, kind | appends.kind.at(seen), version - 1);
      if (writer !== reader && (this.#last.get(writer) ?? 0) >= version)
        this.#on.anomaly('G1b', appends.kind.at(seen), reader, writer, this.#key, appends.element.at(seen));
    }
    const next = this.#order[version];
    if (next === undefined) return;
    this.#edge(reader, this.#writer(next), edge.rw, kind | appends.kind.at(next), version);
    const own = this.#first.get(reader);
    if (own !== undefined && own > version)
      this.#on.anomaly('lost update', kind, reader, this.#writer(next), this.#key, appends.element.at(next));
  }

  #undoneRead(index: number): void {
    const { reads, appends, chains, fates } = this.#lists;
    const chain = chains[this.#key]?.[reads.chain.at(index)] ?? [];
    for (const element of chain.slice(0, reads.length.at(index))) {
      const write = this.#writes.get(element);
      if (write === undefined || fates.at(this.#writer(write)) !== fate.aborted) continue;
      this.#on.anomaly('G1a', appends.kind.at(write), reads.txn.at(index), this.#writer(write), this.#key, element);
      return;
    }
  }
}
