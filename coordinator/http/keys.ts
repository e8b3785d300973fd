import { hash, timingSafeEqual } from 'node:crypto';
import { planted } from '#faults';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { ApiKey, Role } from '../config.js';
import { AnsweredError } from './problem.js';
import type { Call } from './route.js';

/** Who is calling: the name of the key, and what it may do. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  /** The participants that it may register; undefined: any. */
  readonly participants: readonly string[] | undefined;
}

/** Whoever came without a key, where none is needed. */
export const anonymous: Caller = Object.freeze({ name: 'anonymous', role: 'admin', participants: undefined });

/** Tells who is calling by `Authorization`. Throws `unauthorized`. */
export type WhoCalls = (authorization: string | undefined) => Caller;

interface Known {
  readonly caller: Caller;
  readonly digest: Buffer;
}

/**
 * The keys that are valid now. Without keys everybody may do everything: the coordinator then listens on loopback only, or
 * was told to be insecure.
 */
export class Keyring {
  #known: readonly Known[];
  readonly #watchers = new Set<() => void>();

  constructor(keys: readonly ApiKey[]) {
    this.#known = keys.map(knownOf);
  }

  /** Whether a key is needed. */
  get isLocked(): boolean {
    return this.#known.length > 0;
  }

  readonly whoCalls: WhoCalls = (authorization) => {
    if (!this.isLocked) return anonymous;
    const presented = bearerOf(authorization);
    if (presented === undefined) throw unauthorized('expected "Authorization: Bearer" and an API key, got none');
    const digest = digestOf(presented);
    let found: Caller | undefined;
    // Every key is looked at, and digests are compared, so that time tells nothing of any key.
    for (const each of this.#known) if (timingSafeEqual(each.digest, digest)) found ??= each.caller;
    if (!found) throw unauthorized('expected a key of this coordinator, got one that it does not know');
    return found;
  };

  /** From the next request on these are valid and no others; requests that were let in are answered. */
  replace(keys: readonly ApiKey[]): void {
    if (planted('keys-of-the-start')) return;
    this.#known = keys.map(knownOf);
    for (const look of [...this.#watchers]) look();
  }

  /**
   * For answers that do not end by themselves: calls `revoked` once what came as `authorization` would not be let in as
   * `needed` any more. Returns what ends the watch.
   */
  watch(authorization: string | undefined, needed: Role, revoked: () => void): () => void {
    const look = (): void => {
      try {
        demand(this.whoCalls(authorization), needed);
      } catch {
        this.#watchers.delete(look);
        revoked();
      }
    };
    this.#watchers.add(look);
    return () => void this.#watchers.delete(look);
  }
}

const knownOf = ({ key, ...caller }: ApiKey): Known => ({ caller, digest: digestOf(key) });

/** Each includes the ones before. */
const ranks: Readonly<Record<Role, number>> = Object.freeze({ viewer: 0, client: 1, operator: 2, admin: 3 });

/** Throws `forbidden` unless the caller's role includes what is needed. */
export function demand({ name, role }: Caller, needed: Role): void {
  if (ranks[role] >= ranks[needed]) return;
  throw new ConcordatError('forbidden', `expected a key with the role ${needed}, got ${name}, which is a ${role}`);
}

/** Throws `forbidden` unless the key of a call may register that participant. */
export function demandName({ by, registers }: Pick<Call, 'by' | 'registers'>, participant: string): void {
  if (registers === undefined || registers.includes(participant)) return;
  throw new ConcordatError(
    'forbidden',
    `expected a key that may register ${participant}, got ${by}, which may register ${registers.join(', ')} only`,
  );
}

/** The token of an `Authorization: Bearer` header. */
export const bearerOf = (authorization: string | undefined): string | undefined =>
  /^bearer +([!-~]+) *$/i.exec(authorization ?? '')?.[1];

const digestOf = (key: string): Buffer => hash('sha256', key, 'buffer');

const unauthorized = (message: string): AnsweredError =>
  new AnsweredError('unauthorized', message, { 'www-authenticate': 'Bearer realm="concordat"' });
