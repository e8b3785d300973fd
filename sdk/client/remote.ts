/** A participant as an object with its methods. */
import { namePattern } from '../protocol/ids.js';
import type { Settling } from '../protocol/settling.js';
import type { CallOptions, CallTarget } from './call-types.js';

/** What a method takes after its input. */
type RestOf<Method> = Method extends (input: never, ...rest: infer Rest) => unknown ? Required<Rest> : never;

/** Whether it is a forward method: it answers a plain promise and is not told to settle what another began. */
type IsForward<Method> = Method extends (...args: never) => Promise<infer Out>
  ? Promise<Out> extends ReturnType<Method>
    ? RestOf<Method> extends readonly [Settling, ...unknown[]]
      ? false
      : true
    : false
  : false;

type Call<Method> = Method extends () => Promise<infer Out>
  ? () => Promise<Out>
  : Method extends (input: infer In, ...rest: never) => Promise<infer Out>
    ? (input: In) => Promise<Out>
    : never;

/**
 * The forward methods of a participant, of its class or of a plain interface, without the `tx` parameter. Methods that
 * settle (compensate, confirm, cancel) are not among them.
 */
export type Remote<Service> = {
  readonly [Name in keyof Service as IsForward<Service[Name]> extends true ? Name : never]: Call<Service[Name]>;
};

/** What calls of a remote have in common. */
export type RemoteOptions = Omit<CallOptions, 'id'>;

type CallBy = (target: CallTarget, input: unknown, options: RemoteOptions) => Promise<unknown>;

/**
 * Names that others look for on every object they meet (a promise, a hook of NestJS, a JSON form) and that must not
 * become calls. Handlers with such a name, or with that of a member of every object, are called with `client.call`.
 */
const notCalls: ReadonlySet<string> = new Set([
  'then',
  'catch',
  'finally',
  'toJSON',
  'asymmetricMatch',
  'inspect',
  'onModuleInit',
  'onModuleDestroy',
  'onApplicationBootstrap',
  'onApplicationShutdown',
  'beforeApplicationShutdown',
]);

/** Whether a method of a remote is a call of this handler. */
export const isCall = (handler: string): boolean =>
  namePattern.test(handler) && !notCalls.has(handler) && !(handler in Object.prototype);

const clients = new WeakMap<object, unknown>();

/** The client that a remote calls through; undefined when it is no remote. */
export const clientOfRemote = (thing: unknown): unknown =>
  typeof thing === 'object' && thing !== null ? clients.get(thing) : undefined;

/** An object whose every method calls the handler of that name. `client` is who made it. */
export function remoteOf(participant: string, options: RemoteOptions, client: unknown, call: CallBy): object {
  if (!namePattern.test(participant))
    throw new TypeError(`remote: expected the name of a participant, got ${JSON.stringify(participant)}`);
  const methods = new Map<string, (input: unknown) => Promise<unknown>>();
  const methodOf = (handler: string): ((input: unknown) => Promise<unknown>) => {
    const known = methods.get(handler);
    if (known) return known;
    const method = (input: unknown): Promise<unknown> => call({ participant, handler }, input, options);
    methods.set(handler, method);
    return method;
  };
  const remote = new Proxy(Object.freeze({}), {
    get: (target, key) => (typeof key === 'string' && isCall(key) ? methodOf(key) : Reflect.get(target, key)),
    set(_target, key) {
      throw new TypeError(`remote '${participant}': expected calls of its methods, got a new value for ${String(key)}`);
    },
  });
  clients.set(remote, client);
  return remote;
}
