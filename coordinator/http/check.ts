import type { z } from 'zod';
import { ConcordatError, type InputError } from '../../sdk/protocol/errors.js';

/** More findings than this help nobody, and a body may hold a million of them. */
export const findingsMax = 50;

/** The value of a JSON pointer's segment, escaped as RFC 6901 says. */
export const segment = (key: PropertyKey): string => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** The error for bad input: all findings at once. */
export function invalid(findings: readonly InputError[]): ConcordatError {
  const [first] = findings;
  const where = first?.pointer ? `${first.pointer}: ` : '';
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : '';
  return new ConcordatError(
    'invalid_request',
    `${where}${first?.message ?? ''}${more}`,
    findings.slice(0, findingsMax),
  );
}

/** The body as its schema types it. Throws `invalid_request` with every finding. */
export function check<T extends z.ZodType>(schema: T, body: unknown): z.infer<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw invalid(result.error.issues.flatMap((issue) => findingsOf(issue, body)));
}

function findingsOf(issue: z.core.$ZodIssue, body: unknown): InputError[] {
  const pointer = issue.path.map(segment).join('');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: pointer + segment(key), message: 'expected no such field, got one' }));
  }
  const value = issue.path.reduce(valueAt, body);
  return [{ pointer, message: `expected ${expectedBy(issue, value)}, got ${described(value, issue)}` }];
}

const valueAt = (value: unknown, key: PropertyKey): unknown =>
  value !== null && typeof value === 'object' && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined;

function expectedBy(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return nouns[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length > 1 ? `one of ${issue.values.join(', ')}` : String(issue.values[0]);
    case 'too_big':
      return `at most ${issue.maximum}${unitOf(value)}`;
    case 'too_small':
      return `at least ${issue.minimum}${unitOf(value)}`;
    default:
      return issue.message;
  }
}

const nouns: Readonly<Record<string, string>> = Object.freeze({
  object: 'an object',
  record: 'an object',
  array: 'an array',
  string: 'a string',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
});

const unitOf = (value: unknown): string =>
  typeof value === 'string' ? ' characters' : Array.isArray(value) ? ' items' : '';

function described(value: unknown, issue: z.core.$ZodIssue): string {
  const sized = issue.code === 'too_big' || issue.code === 'too_small';
  if (sized && (typeof value === 'string' || Array.isArray(value))) return String(value.length);
  return shown(value);
}

/** A value in few words. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
