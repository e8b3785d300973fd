/**
 * What decorators said of a class, and how a host reads it. A method of a base class is known by the base's prototype or,
 * where decorators cannot see the prototype, by each instance: so subclasses count, and instances with databases of their
 * own are participants of their own.
 */
import { isCall } from '../client/remote.js';
import type { Kind } from '../protocol/kinds.js';
import type { Database } from '../resources/database.js';
import { type FenceOptions, makeHandler } from './define.js';
import type { Check, Handler, ParticipantDefinition, Work } from './handler.js';

/** A class that is a participant. */
export interface DeclaredParticipant {
  readonly name: string;
  readonly db: ((self: never) => Database) | undefined;
  readonly resourceGroup: string | undefined;
}

/** A method that is a handler, by the names of the methods of its ops; or one that is a check. */
export type DeclaredMethod =
  | { readonly what: 'handler'; readonly kind: Kind; readonly ops: Ops; readonly options: FenceOptions }
  | { readonly what: 'check' };

interface Ops {
  readonly forward?: string;
  readonly commit?: string;
  readonly rollback?: string;
}

type Declared = Map<string, DeclaredMethod>;

const classes = new WeakMap<object, DeclaredParticipant>();
const methods = new WeakMap<object, Declared>();

export function declareClass(decorated: object, declared: DeclaredParticipant): void {
  classes.set(decorated, declared);
}

/** `owner` is a prototype, or an instance. */
export function declareMethod(owner: object, name: string, declared: DeclaredMethod): void {
  const known: Declared = methods.get(owner) ?? new Map();
  methods.set(owner, known.set(name, declared));
}

/**
 * What an instance of a decorated class declares. Throws TypeError with what to write when it declares no participant, when
 * a method that it names is not there, and when a handler has nothing that keeps it from having its effect twice.
 */
export function definitionOf(instance: object): ParticipantDefinition {
  const declared = participantOf(instance);
  const found = methodsOf(instance);
  const where = `participant '${declared.name}' (class ${classOf(instance)})`;
  if (found.size === 0)
    throw new TypeError(`${where}: expected a method with @Saga, @Tcc, @Message or @Check, got none`);
  const db = declared.db?.(instance as never);
  if (declared.db && !db) throw new TypeError(`${where}: expected its db option to answer a knex instance, got ${db}`);
  const handlers = new Map<string, Handler>();
  const checks = new Map<string, Check>();
  for (const [name, method] of found) {
    if (method.what === 'check') checks.set(name, workOf(instance, name, where, 'check') as Check);
    else handlers.set(name, handlerOf(instance, method, `${where}, handler '${name}'`));
  }
  for (const [name, { fence }] of handlers) if (fence !== 'none' && !db) throw unfenced(where, name);
  return Object.freeze({ name: declared.name, db, resourceGroup: declared.resourceGroup, handlers, checks });
}

function participantOf(instance: object): DeclaredParticipant {
  for (const prototype of chainOf(instance)) {
    const declared = Object.hasOwn(prototype, 'constructor') ? classes.get(prototype.constructor) : undefined;
    if (declared) return declared;
  }
  throw new TypeError(
    `expected an instance of a class with @Participant('name'), or what participant({name, …}) answers; got an instance of ${classOf(instance)}`,
  );
}

/** What is nearer to the instance counts more. */
const methodsOf = (instance: object): Declared =>
  new Map([instance, ...chainOf(instance)].reverse().flatMap((owner) => [...(methods.get(owner) ?? [])]));

/** Its prototypes, the nearest first. */
function chainOf(instance: object): readonly object[] {
  const chain: object[] = [];
  for (let at: unknown = Object.getPrototypeOf(instance); at !== null; at = Object.getPrototypeOf(at))
    chain.push(at as object);
  return chain;
}

const classOf = (instance: object): string => instance.constructor?.name || 'a class without a name';

type HandlerMethod = Extract<DeclaredMethod, { what: 'handler' }>;

function handlerOf(instance: object, { kind, ops, options }: HandlerMethod, where: string): Handler {
  const works = Object.entries(ops).map(([phase, name]) => [phase, workOf(instance, name, where, phase)] as const);
  return makeHandler(kind, Object.fromEntries(works), options);
}

/** Calls the method that the instance has by then: a subclass may have another. */
function workOf(instance: object, name: string, where: string, phase: string): Work {
  const methodOf = (): unknown => (instance as Readonly<Record<string, unknown>>)[name];
  if (typeof methodOf() !== 'function')
    throw new TypeError(`${where}: expected a method '${name}' for its ${phase} op, got ${typeof methodOf()}`);
  return async (...args) => Reflect.apply(methodOf() as Work, instance, args);
}

const unfenced = (where: string, name: string): TypeError =>
  new TypeError(
    `${where}, handler '${name}': expected a database for its fence, got none; write @Participant('…', { db: (self) => self.db }), also where the effect is outside of it (external: true), or on the handler fence: 'none' when it sees to repeats itself`,
  );

/** What is odd about the name of a handler. */
export const oddName = (handler: string): readonly string[] =>
  isCall(handler)
    ? []
    : [
        `a Remote has no method for the handler '${handler}', as every object or promise may have one of that name; call it with client.call, or name it otherwise`,
      ];

/** What is odd about a participant and no error: for the log of its host, at start. */
export function odditiesOf(instance: object): readonly string[] {
  const odd: string[] = [];
  for (const [name, method] of methodsOf(instance)) {
    if (method.what === 'check') continue;
    odd.push(...oddName(name));
    for (const settling of [method.kind === 'message' ? undefined : method.ops.commit, method.ops.rollback]) {
      const work = settling === undefined ? undefined : (instance as Readonly<Record<string, unknown>>)[settling];
      if (typeof work === 'function' && work.length < 2)
        odd.push(
          `${classOf(instance)}.${settling} settles '${name}' and has no tx parameter: a Remote cannot tell it from a forward method; write (input, tx: Settle<…>)`,
        );
    }
  }
  return odd;
}
