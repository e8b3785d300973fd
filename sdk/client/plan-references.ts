/**
 * References to what earlier steps will have answered. There is no value yet: a reference can be put into an input, and
 * what would need its value throws at once, with words that say so. Only truth and identity (`!a.id`, `a.id ? 1 : 2`,
 * `a.id === 7`) cannot be noticed: no trap of a proxy is asked for them.
 */

/** One call of an input function: its references hold while it runs, and only for the step that it is called for. */
export interface Scope {
  /** For messages. */
  readonly step: string;
  isOpen: boolean;
}

interface Pointing {
  readonly scope: Scope;
  /** As the wire has it: the step's id and a dotted path. */
  readonly path: string;
}

const pointing = new WeakMap<object, Pointing>();

/** The path that a reference of this scope points to; undefined for a value that is none. Throws for a foreign one. */
export function pathOf(value: object, scope: Scope | undefined): string | undefined {
  const found = pointing.get(value);
  if (found === undefined) return undefined;
  if (found.scope === scope && scope.isOpen) return found.path;
  throw misuse(found, `was used outside the input function of step ${found.scope.step}, which it was made for`);
}

/** A reference; its members are references too. */
export function referenceTo(path: string, scope: Scope): object {
  const at: Pointing = { scope, path };
  const no = (what: string) => (): never => {
    throw misuse(at, what);
  };
  // An arrow function as its target has no properties that a proxy would have to admit, and lets calls be answered.
  const reference = new Proxy(() => undefined, {
    get: (_target, key) => memberOf(at, key),
    apply: no('was called'),
    construct: no('was called'),
    has: no('was searched with `in`'),
    ownKeys: no('was spread or its keys listed'),
    getOwnPropertyDescriptor: no('was looked into'),
    getPrototypeOf: no('was looked into with `instanceof`'),
    set: no('was written to'),
    defineProperty: no('was written to'),
    deleteProperty: no('was written to'),
    setPrototypeOf: no('was written to'),
    preventExtensions: no('was frozen'),
    isExtensible: no('was frozen'),
  });
  pointing.set(reference, at);
  return reference;
}

function memberOf(at: Pointing, key: string | symbol): unknown {
  // `await` and promises look here to see whether there is anything to wait for.
  if (key === 'then') return undefined;
  if (!at.scope.isOpen) throw misuse(at, `was read after the input function of step ${at.scope.step} had ended`);
  if (key === Symbol.toPrimitive) throw misuse(at, 'was turned into a text or a number');
  if (key === Symbol.iterator || key === Symbol.asyncIterator) throw misuse(at, 'was spread or iterated over');
  if (typeof key === 'symbol') throw misuse(at, `was asked for ${String(key)}`);
  if (key === 'toJSON') throw misuse(at, 'was turned into JSON');
  if (key.includes('.')) {
    const whole = `a path is written with dots, so a key that has one cannot be in it`;
    throw new TypeError(`${nameOf(at)}[${JSON.stringify(key)}]: ${whole}; put ${nameOf(at)} into the input as a whole`);
  }
  return referenceTo(`${at.path}.${key}`, at.scope);
}

const nameOf = ({ path }: Pointing): string => `the reference to ${path}`;

const misuse = (at: Pointing, what: string): TypeError =>
  new TypeError(
    `${nameOf(at)} ${what}; it stands for a value that is not there yet: put it, or a member of it, ` +
      'into the input as it is, and let the handler do the rest',
  );

/** What an input function is given: a reference for each step that comes before. */
export function earlierSteps(visible: ReadonlySet<string>, taken: ReadonlySet<string>, scope: Scope): object {
  const names = [...visible].join(', ') || 'none';
  const no = (what: string) => (): never => {
    throw new TypeError(`step ${scope.step}: the earlier steps were ${what}; take them by name (${names})`);
  };
  const get = (_target: object, key: string | symbol): unknown => {
    if (typeof key === 'string' && visible.has(key)) return referenceTo(key, scope);
    if (typeof key === 'symbol')
      throw new TypeError(`step ${scope.step}: expected an earlier step (${names}), got ${String(key)}`);
    if (taken.has(key))
      throw new TypeError(
        `step ${scope.step}: ${key} does not come before it or answers nothing; name it in \`after\``,
      );
    if (key === 'then') return undefined;
    throw new TypeError(`step ${scope.step}: expected an earlier step (${names}), got ${JSON.stringify(key)}`);
  };
  return new Proxy(Object.freeze({}), { get, has: no('searched with `in`'), ownKeys: no('spread or listed') });
}
