import { z } from 'zod';
import { ConcordatError, type InputError } from '../../sdk/protocol/errors.js';
import { check, invalid, shown } from './check.js';

/** Reads a query as its schema types it: a list may come several times, a number is one. Throws `invalid_request`. */
export function readQuery<T extends z.ZodObject>(schema: T, query: string): z.infer<T> {
  const params = new URLSearchParams(query);
  const findings: InputError[] = [];
  const given: [string, unknown][] = [];
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name);
    if (!Object.hasOwn(schema.shape, name)) {
      const known = Object.keys(schema.shape).join(', ');
      findings.push({ pointer: name, message: `expected one of ${known}, got ${shown(name)}` });
      continue;
    }
    const type = typeOf(schema.shape[name] as z.ZodType);
    if (type instanceof z.ZodArray) given.push([name, values]);
    else if (values.length > 1)
      findings.push({ pointer: name, message: `expected it once, got it ${values.length} times` });
    else given.push([name, type instanceof z.ZodNumber ? numberOf(values[0] ?? '') : values[0]]);
  }
  if (findings.length > 0) throw invalid(findings);
  try {
    return check(schema, Object.fromEntries(given));
  } catch (error) {
    throw error instanceof ConcordatError ? invalid(error.details.map(named)) : error;
  }
}

const typeOf = (field: z.ZodType): z.ZodType =>
  field instanceof z.ZodOptional ? (field.unwrap() as z.ZodType) : field;

/** A text that is no plain number stays one, and is told as such. */
const numberOf = (text: string): number | string => (/^\d{1,15}$/.test(text) ? Number(text) : text);

/** A parameter is pointed at by its name. */
const named = ({ pointer, message }: InputError): InputError => ({ pointer: pointer.split('/')[1] ?? '', message });
