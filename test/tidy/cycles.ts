import { importsOf } from './imports.js';
import { roomOf } from './rooms.js';
import type { Source } from './sources.js';

type Graph = ReadonlyMap<string, readonly string[]>;

/** Every file that imports itself through others, told as the way round. Imports of types count too. */
export const importCycles = (sources: readonly Source[]): readonly string[] =>
  cyclesOf(new Map(sources.map((source) => [source.path, importsOf(source).flatMap(({ file }) => file ?? [])])));

/** The same for the rooms of the SDK, which import each other without an order. */
export function sdkRoomCycles(sources: readonly Source[]): readonly string[] {
  const graph = new Map<string, string[]>();
  for (const source of sources) {
    const from = roomOf(source.path);
    if (!from.startsWith('sdk/')) continue;
    const rooms = importsOf(source).flatMap(({ file }) => (file === undefined ? [] : roomOf(file)));
    graph.set(from, [...(graph.get(from) ?? []), ...rooms.filter((to) => to !== from)]);
  }
  return cyclesOf(graph);
}

function cyclesOf(graph: Graph): readonly string[] {
  const found: string[] = [];
  const finished = new Set<string>();
  const visit = (node: string, way: readonly string[]): void => {
    const seenAt = way.indexOf(node);
    if (seenAt !== -1) found.push([...way.slice(seenAt), node].join(' > '));
    if (seenAt !== -1 || finished.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...way, node]);
    finished.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return found;
}
