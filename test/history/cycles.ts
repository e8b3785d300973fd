/**
 * Circles in the graph of who came before whom, found as Elle finds them: strongly connected components, then in each the
 * shortest circle of every class. A component counts once for each class.
 */
import type { Anomaly } from './declared.js';
import { anyEdge, componentsOf, edge, type Graph } from './graph.js';

export type CycleClass = Extract<Anomaly, 'G0' | 'G1c' | 'G-single' | 'G2-item'>;

/** Indexes of edges, each of which begins where the one before ends. */
export interface Cycle {
  readonly name: CycleClass;
  readonly edges: readonly number[];
}

/** So many edges of a component are tried for a shorter circle. */
const triesMax = 32;

/** Every class of every component, by edges whose branches are of these kinds only. */
export function cyclesIn(graph: Graph, kinds: number): readonly Cycle[] {
  const writes = componentsOf(graph, edge.ww, kinds);
  const reads = componentsOf(graph, edge.ww | edge.wr, kinds);
  const all = componentsOf(graph, anyEdge, kinds);
  const search = new Search(graph, kinds);
  const best = new Best(search, graph);
  const { from, to, type } = graph.edges;
  const types = type.view();
  for (let index = 0; index < types.length; index++) {
    const one = from.at(index);
    const other = to.at(index);
    if (all[one] !== all[other] || !search.isWanted(index, anyEdge)) continue;
    if (types[index] === edge.ww && writes[one] === writes[other]) best.closes('G0', index, edge.ww, writes);
    if (types[index] === edge.wr && reads[one] === reads[other]) best.closes('G1c', index, edge.ww | edge.wr, reads);
    if (types[index] !== edge.rw) continue;
    // Its component closes the circle: if not by reads and writes alone, then by overlooking once more.
    if (!best.isKnown('G2-item', all[one] ?? -1)) {
      const isSingle = best.closes('G-single', index, edge.ww | edge.wr, all, true);
      if (!isSingle) best.closes('G2-item', index, anyEdge, all);
    } else if (best.wants('G-single', all[one] ?? -1)) best.closes('G-single', index, edge.ww | edge.wr, all, true);
  }
  return [...best.found.values()];
}

/** The shortest circle so far of each class and component. */
class Best {
  readonly found = new Map<string, Cycle>();
  readonly #tries = new Map<string, number>();
  readonly #search: Search;
  readonly #graph: Graph;

  constructor(search: Search, graph: Graph) {
    this.#search = search;
    this.#graph = graph;
  }

  isKnown(name: CycleClass, component: number): boolean {
    return this.found.has(`${name} ${component}`);
  }

  /** Whether there may be a shorter one, and it is worth looking. */
  wants(name: CycleClass, component: number): boolean {
    const slot = `${name} ${component}`;
    return this.found.get(slot)?.edges.length !== 2 && (this.#tries.get(slot) ?? 0) < triesMax;
  }

  /** Whether a way by these edges closes the circle that this one begins. `always`: it must be known, shorter or not. */
  closes(name: CycleClass, index: number, by: number, within: Int32Array, always = false): boolean {
    const { from, to } = this.#graph.edges;
    const component = within[from.at(index)] ?? -1;
    const slot = `${name} ${component}`;
    if (!always && !this.wants(name, component)) return true;
    const back = this.#search.path(to.at(index), from.at(index), by, within, always);
    if (!back) return false;
    this.#tries.set(slot, (this.#tries.get(slot) ?? 0) + 1);
    const before = this.found.get(slot);
    if (!before || back.length + 1 < before.edges.length) this.found.set(slot, { name, edges: [index, ...back] });
    return true;
  }
}

/** Breadth first, so that what is found is the shortest. */
class Search {
  readonly #graph: Graph;
  readonly #kinds: number;
  readonly #seen: Int32Array;
  readonly #cameBy: Int32Array;
  readonly #queue: Int32Array;
  #round = 0;
  /**
   * What one large component could cost without it is the square of its size. Used up, a circle passes for one of a weaker
   * class; a kind that excludes the stronger one and declares the weaker one there is none.
   */
  #stepsLeft: number;

  constructor(graph: Graph, kinds: number) {
    this.#graph = graph;
    this.#kinds = kinds;
    this.#seen = new Int32Array(graph.size);
    this.#cameBy = new Int32Array(graph.size);
    this.#queue = new Int32Array(graph.size);
    this.#stepsLeft = 1_000_000 + 10 * (graph.size + graph.out.length);
  }

  isWanted(index: number, types: number): boolean {
    const { type, kinds } = this.#graph.edges;
    return (type.at(index) & types) !== 0 && (kinds.at(index) & ~this.#kinds) === 0;
  }

  /** The shortest way by edges of these types that does not leave the component; undefined when there is none. */
  path(
    from: number,
    to: number,
    types: number,
    within: Int32Array,
    isBudgeted: boolean,
  ): readonly number[] | undefined {
    const { starts, out, edges } = this.#graph;
    const round = ++this.#round;
    let head = 0;
    let tail = 0;
    this.#queue[tail++] = from;
    this.#seen[from] = round;
    while (head < tail && !(isBudgeted && this.#stepsLeft <= 0)) {
      const node = this.#queue[head++] as number;
      for (let at = starts[node] as number; at < (starts[node + 1] as number); at++) {
        if (isBudgeted) this.#stepsLeft--;
        const index = out[at] as number;
        const next = edges.to.at(index);
        if (this.#seen[next] === round || within[next] !== within[from] || !this.isWanted(index, types)) continue;
        this.#seen[next] = round;
        this.#cameBy[next] = index;
        if (next === to) return this.#wayBack(from, to);
        this.#queue[tail++] = next;
      }
    }
    return undefined;
  }

  #wayBack(from: number, to: number): readonly number[] {
    const way: number[] = [];
    for (let node = to; node !== from; node = this.#graph.edges.from.at(way.at(-1) ?? 0))
      way.push(this.#cameBy[node] as number);
    return way.reverse();
  }
}
