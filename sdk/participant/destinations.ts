import { kinds, type Op } from '../protocol/kinds.js';
import type { ParticipantDefinition } from './handler.js';

/** Where a path leads. */
export interface Destination {
  readonly participant: string;
  readonly handler: string;
  readonly op: Op;
}

/**
 * Every path that commands may come by, without a leading slash: `{participant}/{handler}/{op}`, and `{handler}/{op}`
 * while there is one participant.
 */
export function destinations(definitions: readonly ParticipantDefinition[]): ReadonlyMap<string, Destination> {
  const all = definitions.flatMap(({ name: participant, handlers, checks }) => [
    ...[...handlers].flatMap(([handler, { kind }]) => opsOf(kind).map((op) => ({ participant, handler, op }))),
    ...[...checks.keys()].map((handler): Destination => ({ participant, handler, op: 'check' })),
  ]);
  const byPath = new Map<string, Destination>();
  for (const each of all) {
    byPath.set(`${each.participant}/${each.handler}/${each.op}`, each);
    if (definitions.length === 1) byPath.set(`${each.handler}/${each.op}`, each);
  }
  return byPath;
}

const opsOf = (kind: keyof typeof kinds): readonly Op[] =>
  Object.values(kinds[kind]).filter((op): op is NonNullable<typeof op> => op !== undefined);
