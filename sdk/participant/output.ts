import { copyPlain, type Json, parseJsonText } from '../protocol/json.js';
import { limits } from '../protocol/limits.js';

/**
 * What a handler returned, as plain JSON and a copy; nothing is null. Throws TypeError, naming the handler, when JSON cannot
 * hold it or it is larger than an answer may be.
 */
export function toOutput(value: unknown, where: string): Json {
  if (value === undefined || value === null) return null;
  return copyPlain(value, { bytes: limits.outcomeBodyBytes }) ?? throughText(value, where);
}

function throughText(value: unknown, where: string): Json {
  let output: Json;
  let bytes: number;
  try {
    const text = JSON.stringify(value, holdable);
    bytes = Buffer.byteLength(text);
    output = parseJsonText(text);
  } catch (error) {
    throw new TypeError(`${where}: expected to return what JSON can hold: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (bytes <= limits.outcomeBodyBytes) return output;
  throw new TypeError(`${where}: expected to return at most ${limits.outcomeBodyBytes} bytes of JSON, got ${bytes}`);
}

/** JSON leaves these out, or makes null or {} of them, and says nothing. */
function holdable(key: string, value: unknown): unknown {
  const objection = objectionTo(value);
  if (objection === undefined) return value;
  throw new TypeError(key === '' ? `got ${objection}` : `got ${objection} in '${key}'`);
}

function objectionTo(value: unknown): string | undefined {
  switch (typeof value) {
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    case 'bigint':
      return 'a bigint (return it as a string)';
    case 'number':
      return Number.isFinite(value) ? undefined : String(value);
    case 'object':
      if (value instanceof Map || value instanceof Set) return `a ${value.constructor.name}`;
      return value instanceof Promise ? 'a promise (await it)' : undefined;
    default:
      return undefined;
  }
}
