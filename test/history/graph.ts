/** Which transaction came before which, and why: edges as numbers, so that ten million of them fit. */
import { groupBy, Numbers } from './numbers.js';

/** `b` wrote the next version after `a`'s; `b` read what `a` wrote; `b` wrote the next version after the one that `a` read. */
export const edge = Object.freeze({ ww: 1, wr: 2, rw: 4 });
export const anyEdge = edge.ww | edge.wr | edge.rw;

export interface Edges {
  readonly from: Numbers;
  readonly to: Numbers;
  readonly type: Numbers;
  /** Bits of the kinds of the two branches. */
  readonly kinds: Numbers;
  readonly key: Numbers;
  /** In the order of the key's versions, the first that matters here; from 0. */
  readonly position: Numbers;
}

export const noEdges = (): Edges => ({
  from: new Numbers(),
  to: new Numbers(),
  type: new Numbers(),
  kinds: new Numbers(),
  key: new Numbers(),
  position: new Numbers(),
});

/** Edges by where they begin. */
export interface Graph {
  readonly size: number;
  readonly edges: Edges;
  readonly starts: Int32Array;
  /** Indexes into `edges`. */
  readonly out: Int32Array;
}

export function graphOf(edges: Edges, size: number): Graph {
  const { starts, indexes } = groupBy(edges.from.view(), size);
  return { size, edges, starts, out: indexes };
}

/** Of each transaction, the strongly connected component that it is in by edges of these types and kinds; Tarjan, without recursion. */
export function componentsOf(graph: Graph, types: number, kinds: number): Int32Array {
  const { size, starts, out } = graph;
  const type = graph.edges.type.view();
  const to = graph.edges.to.view();
  const kindsOf = graph.edges.kinds.view();
  const component = new Int32Array(size).fill(-1);
  const index = new Int32Array(size);
  const low = new Int32Array(size);
  const cursor = new Int32Array(size);
  const path = new Int32Array(size);
  const open = new Int32Array(size);
  let depth = 0;
  let opened = 0;
  let count = 0;
  let components = 0;
  const enter = (node: number): void => {
    index[node] = low[node] = ++count;
    cursor[node] = starts[node] as number;
    path[depth++] = node;
    open[opened++] = node;
  };
  for (let root = 0; root < size; root++) {
    if (index[root] !== 0) continue;
    enter(root);
    while (depth > 0) {
      const node = path[depth - 1] as number;
      const at = cursor[node] as number;
      if (at < (starts[node + 1] as number)) {
        cursor[node] = at + 1;
        const edge = out[at] as number;
        if (((type[edge] as number) & types) === 0 || ((kindsOf[edge] as number) & ~kinds) !== 0) continue;
        const next = to[edge] as number;
        if (index[next] === 0) enter(next);
        else if (component[next] === -1) low[node] = Math.min(low[node] as number, index[next] as number);
        continue;
      }
      depth--;
      if (depth > 0) {
        const parent = path[depth - 1] as number;
        low[parent] = Math.min(low[parent] as number, low[node] as number);
      }
      if (low[node] !== index[node]) continue;
      for (let last = -1; last !== node; ) {
        last = open[--opened] as number;
        component[last] = components;
      }
      components++;
    }
  }
  return component;
}
