import { isUtf8 } from 'node:buffer';

/** A value that came from or goes to JSON text. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Thrown by {@link parseJson}; the message says what was expected and what came. */
export class JsonError extends Error {}

/**
 * Reads JSON from bytes of the outside. Refuses invalid UTF-8 and `__proto__` keys, which could slip past a reader or
 * poison an object. Throws {@link JsonError}.
 */
export function parseJson(bytes: Uint8Array): Json {
  if (!isUtf8(bytes)) throw new JsonError('expected UTF-8, got bytes that are not');
  return parseJsonText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}

/** {@link parseJson} for text that is already decoded. */
export function parseJsonText(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw new JsonError(`expected JSON, got text that is not (${(error as Error).message})`);
  }
  // A key can be written with escapes: only text with neither spelling is surely clean.
  if ((text.includes('__proto__') || text.includes('\\u')) && hasProtoKey(value)) {
    throw new JsonError('expected keys other than __proto__');
  }
  if (mayBeDeep(text) && depthOf(value) > depthMax)
    throw new JsonError(`expected at most ${depthMax} levels of nesting`);
  return value;
}

/** Deeper values would overflow the stack of whoever walks them. */
const depthMax = 100;

/** Text with few brackets cannot be deep: most bodies are spared the walk. */
function mayBeDeep(text: string): boolean {
  let brackets = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code === 0x5b || code === 0x7b) && ++brackets > depthMax) return true;
  }
  return false;
}

function depthOf(value: Json): number {
  let depth = 0;
  let level: Json[] = [value];
  while (level.length > 0 && depth <= depthMax) {
    const next: Json[] = [];
    for (const item of level)
      if (item !== null && typeof item === 'object') for (const child of Object.values(item)) next.push(child);
    level = next;
    depth++;
  }
  return depth;
}

function hasProtoKey(value: Json): boolean {
  const rest: Json[] = [value];
  for (let item = rest.pop(); item !== undefined; item = rest.pop()) {
    if (item === null || typeof item !== 'object') continue;
    if (Object.hasOwn(item, '__proto__')) return true;
    for (const child of Object.values(item)) if (child !== null && typeof child === 'object') rest.push(child);
  }
  return false;
}

/**
 * Any value as JSON would carry it to somebody else: a copy, with dates as strings and without what is undefined.
 * `undefined` itself becomes null. Throws {@link JsonError} for what has no JSON, what {@link parseJson} refuses, and for
 * more than `bytesMax` bytes of UTF-8.
 */
export function plainJson(value: unknown, bytesMax: number): Json {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value;
  const text = jsonTextOf(value);
  if (isLongerThan(text, bytesMax)) throw new JsonError(`expected at most ${bytesMax} bytes of JSON, got more`);
  return parseJsonText(text);
}

/** The JSON text of any value. Throws {@link JsonError} when it has none. */
export function jsonTextOf(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new JsonError(`expected a value that JSON can carry, got one that it cannot (${(error as Error).message})`);
  }
  if (text === undefined) throw new JsonError(`expected a value that JSON can carry, got a ${typeof value}`);
  return text;
}

/** Counts only what can be too long: one UTF-16 unit is at most three bytes. */
const isLongerThan = (text: string, bytesMax: number): boolean =>
  text.length > bytesMax || (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax);

/** Deeper values are not plain: they go through text. */
const plainDepthMax = 16;

/**
 * What JSON text would carry to somebody else, without the text: a copy of numbers, texts, truth values, and plain lists and
 * objects of them. Undefined for anything that JSON would change or refuse, and for what may have more bytes than `room`;
 * the most that it may have is taken from that.
 */
export function copyPlain(value: unknown, room: { bytes: number }, depth = 0): Json | undefined {
  switch (typeof value) {
    case 'string':
      // An escape such as \u0007 is six bytes.
      room.bytes -= 6 * value.length + 3;
      return room.bytes < 0 ? undefined : value;
    case 'number':
      room.bytes -= 26;
      // JSON knows no -0.
      return room.bytes < 0 || !Number.isFinite(value) ? undefined : value + 0;
    case 'boolean':
      room.bytes -= 6;
      return room.bytes < 0 ? undefined : value;
    case 'object':
      room.bytes -= 5;
      if (value === null) return room.bytes < 0 ? undefined : value;
      return room.bytes < 0 || depth === plainDepthMax ? undefined : copyPlainObject(value, room, depth + 1);
    default:
      return undefined;
  }
}

function copyPlainObject(value: object, room: { bytes: number }, depth: number): Json | undefined {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Array.prototype) return copyPlainList(value as readonly unknown[], room, depth);
  if (prototype !== Object.prototype) return undefined;
  const record = value as Readonly<Record<string, unknown>>;
  const copy: Record<string, Json> = {};
  for (const key of Object.keys(record)) {
    const member = record[key];
    if (member === undefined) continue;
    room.bytes -= 6 * key.length + 4;
    const copied = key === '__proto__' ? undefined : copyPlain(member, room, depth);
    if (copied === undefined) return undefined;
    copy[key] = copied;
  }
  return copy;
}

function copyPlainList(list: readonly unknown[], room: { bytes: number }, depth: number): Json | undefined {
  const copy: Json[] = [];
  for (const item of list) {
    const copied = copyPlain(item, room, depth);
    if (copied === undefined) return undefined;
    copy.push(copied);
  }
  return copy;
}

/** A copy that whoever gets it may change. For what {@link parseJson} let in; members that are undefined are left out. */
export function copyJson<T>(value: T): T;
export function copyJson(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(copyJson);
  const copy: Record<string, unknown> = {};
  const record = value as Readonly<Record<string, unknown>>;
  // Values of parsed JSON inherit nothing that would be counted; a list of the keys would be made for each.
  for (const key in record) {
    const member = record[key];
    if (member !== undefined) copy[key] = typeof member === 'object' ? copyJson(member) : member;
  }
  return copy;
}

/** Bytes of UTF-8 that a value is as JSON. */
export const jsonBytes = (value: Json): number =>
  typeof value === 'object' || typeof value === 'string'
    ? Buffer.byteLength(JSON.stringify(value))
    : String(value).length;

/** JSON text with sorted keys: the same for equal values, whatever order their keys came in. For what {@link parseJson} let in. */
export const canonicalJson = (value: object): string => JSON.stringify(sorted(value as Json));

function sorted(value: Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  const record = value as Record<string, Json>;
  const copy: Record<string, Json> = {};
  for (const key of inOrder(Object.keys(record))) copy[key] = sorted(record[key] ?? null);
  return copy;
}

/** Sorts in place, by code units. Few keys are put in order by hand, as a call of `sort` takes memory of its own. */
function inOrder(keys: string[]): readonly string[] {
  if (keys.length > 16) return keys.sort();
  for (let end = 1; end < keys.length; end++) {
    const key = keys[end] as string;
    let place = end;
    for (; place > 0 && (keys[place - 1] as string) > key; place--) keys[place] = keys[place - 1] as string;
    keys[place] = key;
  }
  return keys;
}
