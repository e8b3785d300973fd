import type { Client } from '../client/client.js';
import { defaultClient } from '../client/default-client.js';
import { NoCoordinator } from '../client/errors.js';
import { shown } from '../client/options.js';
import { clientOfRemote } from '../client/remote.js';
import { checkRunOptions, type RunOptions, run } from '../client/run.js';

type Method = (...args: never) => Promise<unknown>;
type KeyOf = (...args: never) => string;

export interface GlobalTransactionOptions<Self, Key extends KeyOf> extends Omit<RunOptions, 'name' | 'businessKey'> {
  /** `Class.method` by default. */
  readonly name?: string;
  /** What people know it by, from the arguments of the method: `(cart: Cart) => cart.orderNumber`. */
  readonly businessKey?: Key;
  /** The client that opens it; else that of the object's remotes, else the default client. */
  readonly via?: (self: Self) => Client;
}

/** Nothing, when the key can be told from the arguments of the method; else what keeps the decorator from standing there. */
type Fits<M extends Method, Key> = Key extends (...args: Parameters<M>) => string
  ? unknown
  : { readonly businessKey: 'must take the arguments of the method' };

/** Stands before a method that answers a promise. */
export interface TransactionDecorator<Self, Key> {
  <M extends Method, Own extends Self>(value: M & Fits<M, Key>, context: ClassMethodDecoratorContext<Own>): M;
  <M extends Method>(
    target: Self,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M> & Fits<M, Key>,
  ): TypedPropertyDescriptor<M>;
}

type Standard = readonly [value: Method, context: ClassMethodDecoratorContext];
type Legacy = readonly [target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<Method>];

/**
 * Runs a method as a transaction, or inside the one that it is called in: `client.run` as a decorator. Calls of remotes in
 * it are branches; the end of the method is the commit, an error that leaves it the rollback.
 */
export function GlobalTransaction<Self = unknown, Key extends KeyOf = () => string>(
  options: GlobalTransactionOptions<Self, Key> = {},
): TransactionDecorator<NoInfer<Self>, NoInfer<Key>> {
  checkOptions(options);
  const decorate = (...args: Standard | Legacy): unknown => {
    const [first, second, descriptor] = args;
    if (descriptor?.value) return { ...descriptor, value: wrapped(descriptor.value, String(second), options) };
    if (typeof first === 'function' && typeof second === 'object' && second.kind === 'method')
      return wrapped(first as Method, String(second.name), options);
    throw new TypeError(
      `@GlobalTransaction: expected a method, got ${String(typeof second === 'object' ? second.name : second)}`,
    );
  };
  return decorate as TransactionDecorator<Self, Key>;
}

function checkOptions<Self, Key extends KeyOf>(options: GlobalTransactionOptions<Self, Key>): void {
  checkRunOptions(options, '@GlobalTransaction', ['via']);
  for (const name of ['businessKey', 'via'] as const) {
    const given: unknown = options[name];
    if (given !== undefined && typeof given !== 'function')
      throw new TypeError(`@GlobalTransaction: ${name}: expected a function, got ${shown(given)}`);
  }
}

function wrapped<Self, Key extends KeyOf>(
  method: Method,
  name: string,
  { businessKey, via, ...options }: GlobalTransactionOptions<Self, Key>,
): Method {
  const named = options.name;
  // A function of its own `this`: the object that the method belongs to.
  const transactional = async function (this: Self, ...args: never): Promise<unknown> {
    const chosen: RunOptions = {
      ...options,
      name: named ?? nameOf(this, name),
      ...(businessKey && { businessKey: Reflect.apply(businessKey, undefined, args) }),
    };
    return run(
      async (opening, body) => clientFor(this, via, opening.name).run({ ...opening, propagation: 'requiresNew' }, body),
      chosen,
      async () => Reflect.apply(method, this, args),
    );
  };
  likeIts(method, transactional);
  return transactional;
}

/** What `reflect-metadata` adds to Reflect, where a framework loaded it. */
interface MetadataOfFrameworks {
  getOwnMetadataKeys?(target: object): readonly unknown[];
  getOwnMetadata?(key: unknown, target: object): unknown;
  defineMetadata?(key: unknown, value: unknown, target: object): void;
}

/** Others look at a method: its name and length, and what decorators of a framework noted on it (a route, a guard). */
function likeIts(method: Method, wrapping: Method): void {
  for (const key of ['name', 'length'] as const)
    Object.defineProperty(wrapping, key, { value: method[key], configurable: true });
  const { getOwnMetadataKeys, getOwnMetadata, defineMetadata } = Reflect as MetadataOfFrameworks;
  if (!getOwnMetadataKeys || !getOwnMetadata || !defineMetadata) return;
  for (const key of getOwnMetadataKeys(method)) defineMetadata(key, getOwnMetadata(key, method), wrapping);
}

const nameOf = (self: unknown, method: string): string =>
  `${(self as object | undefined)?.constructor?.name || 'method'}.${method}`.slice(0, 128);

function clientFor<Self>(self: Self, via: ((self: Self) => Client) | undefined, name: string): Client {
  const client = via ? via(self) : (clientOfItsRemotes(self) ?? defaultClient());
  if (client) return client;
  throw new NoCoordinator(
    `'${name}' has nobody to open its transaction with: give the object a remote (client.remote('…')) as a property, or write @GlobalTransaction({ via: (self) => self.client }), or call setDefaultClient(client) once`,
  );
}

/** Of the first remote among the object's own properties. */
function clientOfItsRemotes(self: unknown): Client | undefined {
  if (typeof self !== 'object' || self === null) return undefined;
  for (const value of Object.values(self)) {
    const client = clientOfRemote(value);
    // Whoever made the remote said so.
    if (client) return client as Client;
  }
  return undefined;
}
