import { type Json, Refused } from './answers.js';

/** Reads an input field by field. What does not fit is refused with `invalid_input`, naming the field. */
export interface Fields {
  text(name: string): string;
  /** A whole number from 1 to `most`. */
  count(name: string, most: number): number;
}

const textLengthMax = 200;

export function fields(value: Json, at = 'input'): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw invalid(at, 'an object', value);
  const record = value as { readonly [name: string]: Json };
  const get = (name: string): Json | undefined => (Object.hasOwn(record, name) ? record[name] : undefined);
  return {
    text(name) {
      const found = get(name);
      const fits = typeof found === 'string' && found.length > 0 && found.length <= textLengthMax;
      if (!fits) throw invalid(`${at}.${name}`, `a text of 1 to ${textLengthMax} characters`, found);
      return found;
    },
    count(name, most) {
      const found = get(name);
      const fits = typeof found === 'number' && Number.isInteger(found) && found >= 1 && found <= most;
      if (!fits) throw invalid(`${at}.${name}`, `a whole number from 1 to ${most}`, found);
      return found;
    },
  };
}

function invalid(at: string, expected: string, got: Json | undefined): Refused {
  const shown = got === undefined ? 'nothing' : JSON.stringify(got).slice(0, 80);
  return new Refused('invalid_input', `${at}: expected ${expected}, got ${shown}`);
}
