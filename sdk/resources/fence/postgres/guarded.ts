import type { QueryCallback, RawConnection } from './connection.js';
import { isConflict } from './errors.js';

const blank = String.raw`(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*`;
/** What would end the transaction under the fence's feet, at the beginning of a text or after another statement. */
const beginning = new RegExp(
  `^${blank}(?:begin|start\\s+transaction|end|commit|abort|prepare\\s+transaction|rollback(?!\\s+(?:(?:transaction|work)\\s+)?to\\b))\\b`,
  'i',
);
/** Bodies of functions hold `begin` and `end` after a semicolon, and cannot hold these by themselves. */
const later = new RegExp(
  `;${blank}(?:(?:commit|abort|rollback(?!\\s+(?:(?:transaction|work)\\s+)?to\\b))` +
    `(?:\\s+(?:transaction|work))?(?:\\s+and\\s+(?:no\\s+)?chain)?\\s*(?:;|$)|prepare\\s+transaction\\b)`,
  'i',
);

/** How knex begins and ends a transaction within a transaction. */
const nesting = /^(SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT) (trx\d+);?$/;

/**
 * The connection as one handler sees it, in place of the raw one that goes back to the pool after it. After the handler's
 * end nothing goes through any more. knex talks to it as to a connection of pg.
 */
export class GuardedConnection {
  readonly __knexUid: unknown;
  readonly #raw: RawConnection;
  readonly #nested = new Set<string>();
  #over: string | undefined;
  #underWay = 0;
  #idle: (() => void) | undefined;
  #touched = false;
  #conflict: Error | undefined;

  constructor(raw: RawConnection) {
    this.#raw = raw;
    this.__knexUid = (raw as { readonly __knexUid?: unknown }).__knexUid;
  }

  /** Names the connection to the server, for knex to cancel a query by. */
  get processID(): number | null | undefined {
    return this.#raw.processID;
  }

  /** Whether the handler has sent anything. A select is not known to only read: it may call a function. */
  get touched(): boolean {
    return this.#touched;
  }

  /** Whether it lets nothing through any more. */
  get over(): boolean {
    return this.#over !== undefined;
  }

  /** Whether a statement is under way. */
  get isBusy(): boolean {
    return this.#underWay > 0;
  }

  /** The deadlock or serialisation failure that the handler met, if it did. */
  get conflict(): Error | undefined {
    return this.#conflict;
  }

  /** Whether a transaction that the handler began within this one is neither committed nor rolled back. */
  get isNested(): boolean {
    return this.#nested.size > 0;
  }

  query(config: { readonly text?: unknown; readonly submit?: unknown }, callback?: QueryCallback): void {
    if (callback === undefined || typeof config.submit === 'function' || typeof config.text !== 'string')
      throw new Error('tx.db: a query cannot be streamed here; read its rows at once, or in portions by limit');
    const { text } = config;
    // The transaction that knex begins is open already.
    if (!this.#touched && !this.over && text === 'BEGIN;') {
      callback(null, { command: 'BEGIN', rows: [], rowCount: null });
      return;
    }
    const objection = this.#objectionTo(text);
    if (objection !== undefined) {
      callback(new Error(objection), undefined);
      return;
    }
    this.#touched = true;
    this.#underWay++;
    this.#raw.query(config, (error, result) => {
      if (error && isConflict(error)) this.#conflict ??= error;
      if (!error) this.#noteNesting(text);
      if (--this.#underWay === 0) this.#idle?.();
      callback(error, result);
    });
  }

  /** Lets nothing through from now on; resolves when what was asked for before is through. */
  end(because: string): Promise<void> {
    this.#over ??= because;
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  #objectionTo(sql: string): string | undefined {
    if (this.#over !== undefined) return `tx.db was used after its end: ${this.#over}`;
    if (!beginning.test(sql) && !later.test(sql)) return undefined;
    return `tx.db: the fence begins and ends this transaction, so "${sql.trim().slice(0, 20)}" is not for the handler: return to keep the work, throw to take it back`;
  }

  #noteNesting(sql: string): void {
    const [, verb, name] = nesting.exec(sql) ?? [];
    if (name === undefined) return;
    if (verb === 'SAVEPOINT') this.#nested.add(name);
    else this.#nested.delete(name);
  }
}
