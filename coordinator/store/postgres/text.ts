/** PostgreSQL's text has no NUL and no half of a surrogate pair, and what a participant answers may have both. */

/** Stands before a text that is written as JSON. */
const mark = '\u0001';

/** Hardly ever: most texts are taken as they are. */
const needsMark = (value: string): boolean =>
  value.startsWith(mark) || value.includes('\0') || /\p{Surrogate}/u.test(value);

export const toText = (value: string): string => (needsMark(value) ? `${mark}${JSON.stringify(value)}` : value);

export const fromText = (value: unknown): unknown =>
  typeof value === 'string' && value.startsWith(mark) ? JSON.parse(value.slice(1)) : value;
