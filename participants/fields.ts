import { Refused } from 'concordat';

/** Reads an input field by field. What does not fit is refused with `invalid_input`, naming the field. */
export interface Fields {
  text(name: string): string;
  /** A whole number from 1 to `most`. */
  count(name: string, most: number): number;
  /** From 1 to `itemsMax` objects. */
  list<T>(name: string, read: (item: Fields) => T): T[];
}

const textLengthMax = 200;
const itemsMax = 100;

/** `value` is what came over the wire, whatever its type says. */
export function fields(value: unknown, at = 'input'): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw invalid(at, 'an object', value);
  const record = value as { readonly [name: string]: unknown };
  const get = (name: string): unknown => (Object.hasOwn(record, name) ? record[name] : undefined);
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
    list(name, read) {
      const found = get(name);
      const fits = Array.isArray(found) && found.length >= 1 && found.length <= itemsMax;
      if (!fits) throw invalid(`${at}.${name}`, `a list of 1 to ${itemsMax} items`, found);
      return (found as readonly unknown[]).map((item, index) => read(fields(item, `${at}.${name}[${index}]`)));
    },
  };
}

/** Of one line of an order; with {@link priceCentsMax} every total stays an exact number. */
export const quantityMax = 10_000;
export const priceCentsMax = 1_000_000_000;
export const amountCentsMax = itemsMax * quantityMax * priceCentsMax;

function invalid(at: string, expected: string, got: unknown): Refused {
  const shown = got === undefined ? 'nothing' : JSON.stringify(got).slice(0, 80);
  return new Refused(`${at}: expected ${expected}, got ${shown}`, { code: 'invalid_input' });
}
