import { namePattern } from '../protocol/ids.js';
import { kinds, type Phase } from '../protocol/kinds.js';
import { definitionOf, odditiesOf, oddName } from './declared.js';
import type { Handler, ParticipantDefinition } from './handler.js';
import type { HostLog } from './log.js';

/**
 * What a host is given, as definitions that can be served. Throws TypeError with words that say what to do; says at start
 * which handlers have no fence.
 */
export function checkDefinitions(participants: readonly object[], log: HostLog): readonly ParticipantDefinition[] {
  assertList(participants);
  if (participants.length === 0) throw new TypeError('participants: expected at least one, got none');
  const definitions = participants.map((each) => definitionFrom(each, log));
  const names = new Set<string>();
  for (const definition of definitions) {
    const { name } = definition;
    assertName('participant', name);
    if (names.has(name))
      throw new TypeError(
        `participants: expected different names, got '${name}' twice; instances of one belong into processes of their own`,
      );
    names.add(name);
    checkHandlers(definition);
  }
  tellUnfenced(definitions, log);
  return definitions;
}

/** Throws TypeError when it is not a list: code without types can give anything. */
export function assertList(participants: unknown): asserts participants is readonly object[] {
  if (Array.isArray(participants)) return;
  const got = participants === undefined ? 'nothing' : participants === null ? 'null' : `one ${typeof participants}`;
  throw new TypeError(
    `participants: expected a list such as [new PaymentService(db)] or [participant({name, …})], got ${got}`,
  );
}

function definitionFrom(thing: object, log: HostLog): ParticipantDefinition {
  if (typeof thing !== 'object' || thing === null)
    throw new TypeError(
      `participants: expected instances of decorated classes, or what participant({name, …}) answers, got ${typeof thing}`,
    );
  const isMade = isDefinition(thing);
  const definition = isMade ? thing : definitionOf(thing);
  const oddities = isMade ? [...definition.handlers.keys()].flatMap(oddName) : odditiesOf(thing);
  for (const odd of oddities) log.warn({ participant: definition.name }, odd);
  return definition;
}

const isDefinition = (thing: object): thing is ParticipantDefinition =>
  'handlers' in thing && thing.handlers instanceof Map && 'checks' in thing && thing.checks instanceof Map;

function assertName(what: string, name: unknown): void {
  if (typeof name === 'string' && namePattern.test(name)) return;
  throw new TypeError(
    `${what}: expected a name of a letter and at most 63 letters, digits, "_" or "-", got ${JSON.stringify(name)}`,
  );
}

function checkHandlers({ name, handlers, checks, db }: ParticipantDefinition): void {
  if (handlers.size + checks.size === 0)
    throw new TypeError(`participant '${name}': expected a handler or a check, got neither`);
  for (const [handlerName, handler] of handlers) {
    assertName(`participant '${name}', handler`, handlerName);
    const where = `participant '${name}', handler '${handlerName}'`;
    checkWorks(where, handler);
    if (handler.fence !== 'none' && db === undefined)
      throw new TypeError(
        `${where}: expected a database for its fence, got none; give the participant its db (a knex instance), also ` +
          `where the effect is outside of it (external: true), or say fence: 'none' when the handler itself sees to repeats`,
      );
  }
  for (const [checkName, check] of checks) {
    assertName(`participant '${name}', check`, checkName);
    if (typeof check !== 'function')
      throw new TypeError(`participant '${name}', check '${checkName}': expected a function, got ${typeof check}`);
  }
}

function checkWorks(where: string, handler: Handler): void {
  // Code without types may have given anything.
  const given: unknown = handler;
  if (typeof given !== 'object' || given === null)
    throw new TypeError(
      `${where}: expected saga({ action, compensate }), tcc({ try, confirm, cancel }) or message({ deliver }), ` +
        `got ${given === null ? 'null' : `a ${typeof given}`}`,
    );
  const ops = (kinds as Readonly<Record<string, (typeof kinds)[keyof typeof kinds]>>)[handler.kind];
  if (!ops) throw new TypeError(`${where}: expected a kind of ${Object.keys(kinds).join(', ')}, got ${handler.kind}`);
  for (const [phase, op] of Object.entries(ops)) {
    const work: unknown = handler[phase as Phase];
    if (op !== undefined && typeof work !== 'function')
      throw new TypeError(`${where}: expected a function for ${op}, got ${typeof work}`);
  }
}

function tellUnfenced(definitions: readonly ParticipantDefinition[], log: HostLog): void {
  const handlers = definitions.flatMap((definition) =>
    [...definition.handlers]
      .filter(([, { fence }]) => fence === 'none')
      .map(([handler]) => `${definition.name}/${handler}`),
  );
  if (handlers.length > 0)
    log.warn({ handlers }, 'these handlers have no fence: they see to repeated, late and empty commands themselves');
}
