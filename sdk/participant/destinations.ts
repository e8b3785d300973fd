import { kinds, type Op } from '../protocol/kinds.js';
import { Rejected } from './command.js';
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

/** For a path that leads nowhere because its handler is of another kind now than it was when the branch was added. */
export function otherKind(definitions: readonly ParticipantDefinition[], path: string): Rejected | undefined {
  const [op = '', name = '', participant] = path.split('/').filter(Boolean).toReversed();
  const before = Object.entries(kinds).find(([, ops]) => Object.values(ops).some((each) => each === op))?.[0];
  const of = participant === undefined && definitions.length === 1 ? definitions[0]?.name : participant;
  const handler = definitions.find((definition) => definition.name === of)?.handlers.get(name);
  if (!handler || before === undefined) return undefined;
  return new Rejected(
    404,
    'unknown_op',
    `handler ${name} of ${of} is ${handler.kind} now, the branch is ${before}: ` +
      'bring the old one back until its transactions are final, and give the new one another name',
  );
}
