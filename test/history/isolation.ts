/** Which anomalies a history has, how often, between branches of which kinds; and whether they are declared. */
import type { kindNames } from '../../sdk/protocol/kinds.js';
import { type Cycle, cyclesIn } from './cycles.js';
import { type Anomaly, bitOf, isDeclared, kindsIn, nameOf } from './declared.js';
import { edge, type Graph, graphOf } from './graph.js';
import { Lists } from './lists.js';
import type { EffectRecord, Report } from './records.js';
import { edgesOf } from './versions.js';

export interface Counted {
  readonly anomaly: Anomaly;
  /** Of the branches that it says something of: `saga`, `saga+tcc`. */
  readonly kinds: string;
  readonly isDeclared: boolean;
  count: number;
  /** The first, or of circles the shortest, told as a story. */
  story: readonly string[];
}

export class Isolation {
  readonly #counts = new Map<string, Counted>();
  readonly #report: Report;
  readonly #lists = new Lists({
    dirtyRead: (reader, writer, kinds, key, element) =>
      this.count('dirty read', kinds, () => [
        `${reader} read ${element} in ${key} before ${writer}, who put it there, was decided`,
      ]),
    overlooked: (reader, key, element) =>
      this.#report('isolation', reader, `${reader} overlooks in ${key} what it put there itself: ${element}`),
  });
  readonly decided = this.#lists.decided.bind(this.#lists);
  readonly over = this.#lists.over.bind(this.#lists);
  readonly final = this.#lists.final.bind(this.#lists);

  constructor(report: Report) {
    this.#report = report;
  }

  /** Transactions that read or appended. */
  get size(): number {
    return this.#lists.xids.length;
  }

  effect({ xid, branch, micro }: EffectRecord, kind: (typeof kindNames)[number], isDecided: boolean): void {
    for (const op of micro ?? []) {
      if (op[0] === 'append') this.#lists.append(xid, branch, kind, op[1], op[2], isDecided);
      else if (op[0] === 'read') this.#lists.read(xid, branch, kind, op[1], op[2]);
    }
  }

  count(anomaly: Anomaly, kinds: number, tell: () => readonly string[], isShorter = false): void {
    const slot = `${anomaly} ${kinds}`;
    const known = this.#counts.get(slot);
    if (known) {
      known.count++;
      if (isShorter) known.story = tell();
      return;
    }
    const counted = { anomaly, kinds: nameOf(kinds), isDeclared: isDeclared(anomaly, kinds), count: 1, story: tell() };
    this.#counts.set(slot, counted);
  }

  /** Every anomaly that was seen. Those that are not declared are reported. */
  verdict(): readonly Counted[] {
    const lists = this.#lists;
    const name = (txn: number | undefined) => (txn === undefined ? undefined : lists.xids[txn]);
    const edges = edgesOf(lists, {
      anomaly: (anomaly, kinds, reader, other, key, element) =>
        this.count(anomaly, kinds, () => [toldOf[anomaly](name(reader), lists.keys[key], element, name(other))]),
      wrong: (invariant, txn, what) => this.#report(invariant, name(txn), what),
    });
    const graph = graphOf(edges, lists.xids.length);
    let present = 0;
    for (const kinds of edges.kinds.view()) present |= kinds;
    // A circle of the strict among themselves must not hide behind one that the lax are part of.
    const views = new Set([...kindsIn(present).map(bitOf), present]);
    const shortest = new Map<string, number>();
    for (const view of views) {
      if (view === 0) continue;
      for (const cycle of cyclesIn(graph, view)) this.#countCycle(graph, cycle, view, shortest);
    }
    const all = [...this.#counts.values()];
    for (const { anomaly, kinds, isDeclared: expected, count, story } of all)
      if (!expected)
        this.#report('isolation', undefined, `${kinds} shows ${anomaly}, ${count} times: it is declared not to`, story);
    return all;
  }

  #countCycle(graph: Graph, { name, edges }: Cycle, view: number, shortest: Map<string, number>): void {
    let kinds = 0;
    for (const index of edges) kinds |= graph.edges.kinds.at(index);
    // Of one kind only: it was counted by that kind's own view.
    if (kinds !== view && kindsIn(kinds).length === 1) return;
    const slot = `${name} ${kinds}`;
    const isShorter = edges.length < (shortest.get(slot) ?? Number.POSITIVE_INFINITY);
    if (isShorter) shortest.set(slot, edges.length);
    this.count(name, kinds, () => storyOfCycle(this.#lists, graph, edges), isShorter);
  }
}

type Teller = (reader?: string, key?: string, element?: number, other?: string) => string;
const toldOf = Object.freeze({
  G1a: (reader, key, element, other) =>
    `${reader} read ${element} in ${key}; ${other}, who put it there, was rolled back`,
  G1b: (reader, key, element, other) =>
    `${reader} read ${key} up to ${element}; ${other}, who put it there, wrote on after that`,
  'lost update': (reader, key, element, other) =>
    `${reader} read ${key} without ${element}, which ${other} put there, and then wrote to it`,
}) satisfies Record<'G1a' | 'G1b' | 'lost update', Teller>;

/** `a` did this, `b` did that: so `a` came before `b`; and round again. */
function storyOfCycle({ xids, keys }: Lists, { edges }: Graph, cycle: readonly number[]): readonly string[] {
  const lines = cycle.map((index) => {
    const one = xids[edges.from.at(index)];
    const other = xids[edges.to.at(index)];
    const key = edges.key.at(index);
    const list = keys[key];
    const type = edges.type.at(index);
    const did = {
      [edge.ww]: `${other} appended to ${list} right after ${one}`,
      [edge.wr]: `${other} read ${list}, last what ${one} had appended`,
      [edge.rw]: `${one} read ${list} without what ${other} appended next`,
    }[type];
    return `${did} (version ${edges.position.at(index) + 1}): so ${one} came before ${other}`;
  });
  const names = cycle.map((index) => xids[edges.from.at(index)]);
  return [...lines, `No order of ${[...new Set(names)].join(', ')} explains all of that.`];
}
