import type { Json } from '../protocol/json.js';
import { pathOf, type Scope } from './plan-references.js';

/** A place in an input that holds a reference. */
class From {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

/** JSON with places in it. */
type Node = null | boolean | number | string | From | readonly Node[] | { readonly [key: string]: Node };

/** Deeper inputs are refused by the coordinator, and one that holds itself has no end. */
const depthMax = 90;

/**
 * An input as it goes over the wire: what JSON makes of it, each reference as `{"$from": path}`, and data that looks like
 * one wrapped as `{"$value": data}`. Undefined for an input that is none. `where` is for messages. Throws TypeError.
 */
export function encodeInput(input: unknown, where: string, scope?: Scope): Json | undefined {
  const walk = (value: unknown, pointer: string, depth: number): Node | undefined => {
    if (depth > depthMax)
      throw new TypeError(`${pointer}: expected at most ${depthMax} levels of nesting, got more, or a circle`);
    const plain = plainOf(value, pointer, scope);
    if (plain === null || typeof plain !== 'object' || plain instanceof From) return plain;
    if (Array.isArray(plain)) return Array.from(plain, (item, at) => walk(item, `${pointer}/${at}`, depth + 1) ?? null);
    const entries = Object.entries(plain).flatMap(([key, child]) => {
      const node = walk(child, `${pointer}/${key}`, depth + 1);
      return node === undefined ? [] : [[key, node] as const];
    });
    return Object.fromEntries(entries);
  };
  const node = walk(input, where, 0);
  return node === undefined ? undefined : written(node, where);
}

/** What JSON takes for a value: its `toJSON`, its primitive. Undefined for what JSON leaves out. */
function plainOf(
  value: unknown,
  pointer: string,
  scope: Scope | undefined,
): Exclude<Node, object> | object | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'bigint':
      throw new TypeError(`${pointer}: expected what JSON has, got a bigint; write it as a text or a number`);
    case 'object':
    case 'function':
      return value === null ? null : ofObject(value, pointer, scope);
    default:
      return undefined;
  }
}

function ofObject(
  value: object,
  pointer: string,
  scope: Scope | undefined,
): Exclude<Node, object> | object | undefined {
  const path = pathOf(value, scope);
  if (path !== undefined) return new From(path);
  if ('then' in value && typeof value.then === 'function')
    throw new TypeError(`${pointer}: expected a value, got a promise; await it before the plan is built`);
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return plainOf(value.toJSON(pointer.slice(pointer.lastIndexOf('/') + 1)), pointer, scope);
  if (typeof value === 'function') return undefined;
  return value instanceof String || value instanceof Number || value instanceof Boolean
    ? plainOf(value.valueOf(), pointer, scope)
    : value;
}

/** Writes references, and hides what only looks like one. */
function written(node: Node, pointer: string): Json {
  if (node === null || typeof node !== 'object') return node;
  if (node instanceof From) return { $from: node.path };
  if (isTemplate(node)) return { $value: literal(node, pointer) };
  if (isList(node)) return node.map((item, at) => written(item, `${pointer}/${at}`));
  return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, written(child, `${pointer}/${key}`)]));
}

/** Nothing in it is read by the coordinator, so no reference can be in it. */
function literal(node: Node, pointer: string): Json {
  if (node === null || typeof node !== 'object') return node;
  if (node instanceof From)
    throw new TypeError(
      `${pointer}: an object whose only key is $from or $value is taken literally, so no reference can be in it; ` +
        'give it another key',
    );
  if (isList(node)) return node.map((item, at) => literal(item, `${pointer}/${at}`));
  return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, literal(child, `${pointer}/${key}`)]));
}

/** Whether the coordinator would read an object instead of handing it on. */
const isTemplate = (node: object): boolean => {
  const [key, ...more] = Object.keys(node);
  return more.length === 0 && (key === '$from' || key === '$value');
};

const isList = (node: Node): node is readonly Node[] => Array.isArray(node);
