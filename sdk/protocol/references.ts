import { type Json, jsonBytes } from './json.js';

/**
 * `{"$from": "order.orderId"}` in a plan's input takes a value from an earlier step's output: a step id, then a dotted
 * path with array indexes. `{"$value": x}` is x taken literally, so data can never become a reference.
 */
export interface Reference {
  readonly step: string;
  readonly path: readonly string[];
  /** As it was written, for messages. */
  readonly text: string;
}

const only = (value: object, key: string): boolean => {
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === key;
};

/** The reference that an object is; undefined when it is none. */
export function asReference(value: object): Reference | undefined {
  if (!only(value, '$from')) return undefined;
  const text = (value as { $from: unknown }).$from;
  if (typeof text !== 'string') return { step: '', path: [], text: JSON.stringify(text) };
  const [step = '', ...path] = text.split('.');
  return { step, path, text };
}

/** Whether an input has anything to fill in or to unwrap; most have not and are sent as they came. */
export function hasTemplate(input: Json): boolean {
  if (input === null || typeof input !== 'object') return false;
  if (Array.isArray(input)) return input.some(hasTemplate);
  return only(input, '$from') || only(input, '$value') || Object.values(input).some(hasTemplate);
}

/** Every reference in an input with the JSON pointer where it stands. `$value` hides what is in it. */
export function* referencesIn(input: Json, pointer = ''): Generator<{ reference: Reference; pointer: string }> {
  if (input === null || typeof input !== 'object') return;
  const reference = asReference(input);
  if (reference) {
    yield { reference, pointer };
    return;
  }
  if (only(input, '$value')) return;
  for (const [key, child] of Object.entries(input)) {
    yield* referencesIn(child as Json, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }
}

/** An input with its values, of `bytes` of JSON together; or the first reference that has none; or it is too large. */
export type Filled =
  | { readonly value: Json; readonly bytes: number }
  | { readonly missing: string }
  | { readonly bytesOver: number };

/**
 * Fills an input from the outputs of earlier steps. References are short and may name one large output again and again:
 * what they are filled with is at most `bytesMax`.
 */
export function fillIn(input: Json, outputOf: (step: string) => Json | undefined, bytesMax: number): Filled {
  const missing: string[] = [];
  let bytes = 0;
  const walk = (node: Json): Json => {
    if (node === null || typeof node !== 'object') return node;
    const reference = asReference(node);
    if (reference) {
      const found = follow(outputOf(reference.step), reference.path);
      if (found === undefined) missing.push(reference.text);
      else if (bytes <= bytesMax) bytes += jsonBytes(found);
      return found ?? null;
    }
    if (only(node, '$value')) return (node as { $value: Json }).$value;
    if (Array.isArray(node)) return node.map(walk);
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, walk(child)]));
  };
  const value = walk(input);
  if (missing[0] !== undefined) return { missing: missing[0] };
  return bytes > bytesMax ? { bytesOver: bytesMax } : { value, bytes };
}

function follow(output: Json | undefined, path: readonly string[]): Json | undefined {
  let at = output;
  for (const key of path) {
    if (at === null || at === undefined || typeof at !== 'object' || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, Json>)[key];
  }
  return at;
}
