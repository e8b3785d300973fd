/** What settings look like as text, and how each is read. A parser says what it expected and what came. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { planted } from '#faults';
import { namePattern } from '../../sdk/protocol/ids.js';

/** Each includes the ones before. */
export const roles = ['viewer', 'client', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

export interface ApiKey {
  readonly name: string;
  readonly role: Role;
  /** The participants that it may register; undefined: any. */
  readonly participants: readonly string[] | undefined;
  readonly key: string;
}

export const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** A setting that has a wrong value. The message names it, what was expected and what came. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Thrown by parsers; whoever knows the setting's name turns it into a {@link ConfigError}. */
export class Unexpected extends Error {}

function unexpected(expected: string, got: string): never {
  throw new Unexpected(`expected ${expected}, got ${got}`);
}

export function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError(`${path}: expected a file that can be read, got ${(error as Error).message}`);
  }
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** Where transactions are kept. */
export type StoreAddress =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string };

const storeForms = 'sqlite:PATH, sqlite::memory: or postgres://user:password@host:port/database';

export function storeOf(text: string): StoreAddress {
  const path = /^sqlite:(.+)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: 'sqlite', path };
  if (/^postgres(?:ql)?:\/\/.*\/[^/?]/.test(text) && URL.canParse(text)) return { kind: 'postgres', url: text };
  // An address may hold a password: only its kind is shown.
  const kind = /^(postgres|postgresql|mysql|mariadb):/.exec(text)?.[1];
  if (kind?.startsWith('postgres')) return unexpected(storeForms, `${kind}:…, which names no server and database`);
  if (kind) return unexpected(storeForms, `${kind}:…, which comes with a later version`);
  return unexpected(storeForms, text.includes('@') ? 'something else' : JSON.stringify(text));
}

export function queueOf(text: string): { readonly kind: 'memory' } {
  if (text === 'memory') return { kind: 'memory' };
  const later = /^(redis|rediss|postgres):/.exec(text)?.[1];
  return unexpected(
    'memory',
    later ? `${later}:…, which comes with a later version` : JSON.stringify(text.split('@').at(-1)),
  );
}

export function listenOf(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535)
    return unexpected('host:port such as 127.0.0.1:8090 or [::1]:8090', JSON.stringify(text));
  return { host, port };
}

/** Whoever records say did something without a key. */
const reservedNames: readonly string[] = ['anonymous', 'embedded', 'system'];

/** Of a key only its place is ever shown. */
export function keysOf(text: string): readonly ApiKey[] {
  const items = listOf(text);
  // Without any key everybody is let in: that is asked for by leaving the setting out, never by an empty text.
  if (items.length === 0 && !planted('a-bad-file-opens-the-door')) return unexpected('at least one key', 'none');
  return items.map((item, index) => {
    const [, name, may = '', key] = /^([^:]+):([^:]+):([!-~]+)$/.exec(item) ?? [];
    const [role, ...participants] = may.split('/');
    const known = roles.find((candidate) => candidate === role);
    if (name !== undefined && reservedNames.includes(name.trim()))
      return unexpected(`a name of its own for key ${index + 1}`, `${name.trim()}, which records have for another`);
    if (name !== undefined && key !== undefined && known && participants.every((each) => namePattern.test(each)))
      return { name: name.trim(), role: known, participants: participants.length > 0 ? participants : undefined, key };
    const expected = `name:role:key or name:role/participant/…:key with a role of ${roles.join(', ')}`;
    return unexpected(expected, `something else as key ${index + 1}`);
  });
}

export const keysFileOf = (path: string): readonly ApiKey[] =>
  keysOf(
    fileOf(path)
      .split('\n')
      .filter((line) => !line.trimStart().startsWith('#'))
      .join(','),
  );

/** A file that is there and holds nothing is a mistake: commands would go unsigned. */
export function secretsFileOf(path: string): readonly string[] {
  const secrets = wordsOf(fileOf(path));
  return secrets.length > 0 ? secrets : unexpected('at least one secret in the file', 'none');
}

export function fileOf(path: string): string {
  return readOptional(path) ?? unexpected('the path of a file', `${JSON.stringify(path)}, which is not there`);
}

export const listOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);

export const wordsOf = (text: string): readonly string[] => text.split(/\s+/).filter(Boolean);

export function yesOrNo(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : unexpected('true or false', JSON.stringify(text));
}

/** A year: longer waits are mistakes, and no sum of them overflows. */
const wholeMax = 365 * 24 * 3600 * 1000;

export const wholeFrom =
  (min: number, max: number = wholeMax) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max
      ? value
      : unexpected(`a whole number from ${min} to ${max}`, JSON.stringify(text));
  };

export const oneOf =
  <T extends string>(values: readonly T[]) =>
  (text: string): T =>
    values.find((value) => value === text) ?? unexpected(`one of ${values.join(', ')}`, JSON.stringify(text));
