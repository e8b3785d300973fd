import type { Statement } from 'sqlite3';
import { type Driver, isWorthKeeping } from './driver.js';

type Callback = (this: unknown, error: Error | null, rows?: unknown) => void;
type Method = 'all' | 'run';

/** What would end the transaction under the fence's feet. */
const ending =
  /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(?:begin|commit|end|rollback(?!\s+(?:transaction\s+)?to\b))\b/i;

/**
 * The connection as one handler sees it, in place of the raw one that it shares with the handlers before and after it.
 * After the handler's end nothing goes through any more, so that what it left un-awaited cannot get into the work of
 * another. knex talks to it as to a connection of sqlite3.
 */
export class GuardedConnection {
  readonly __knexUid: unknown;
  readonly #driver: Driver;
  readonly #swallowsBegin: boolean;
  #over: string | undefined;
  #inFlight = 0;
  #idle: (() => void) | undefined;
  #touched = false;
  #lost: Error | undefined;

  /** `swallowsBegin`: knex begins a transaction of its own on it, which is open already. */
  constructor(driver: Driver, { swallowsBegin }: { readonly swallowsBegin: boolean }) {
    this.#driver = driver;
    this.#swallowsBegin = swallowsBegin;
    this.__knexUid = (driver.raw as { readonly __knexUid?: unknown }).__knexUid;
  }

  /** Whether a statement went through. */
  get touched(): boolean {
    return this.#touched;
  }

  /** Whether it lets nothing through any more. */
  get over(): boolean {
    return this.#over !== undefined;
  }

  /** Why the whole transaction is gone, if the database rolled it back by itself. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  all(sql: string, bindings: readonly unknown[], callback: Callback): void {
    this.#call('all', sql, bindings, callback);
  }

  run(sql: string, bindings: readonly unknown[], callback: Callback): void {
    this.#call('run', sql, bindings, callback);
  }

  /** Lets nothing through from now on; resolves when what is under way is through. */
  end(because: string): Promise<void> {
    this.#over ??= because;
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  #call(method: Method, sql: string, bindings: readonly unknown[], callback: Callback): void {
    const objection = this.#objectionTo(sql);
    if (objection !== undefined) {
      callback.call({}, new Error(objection));
      return;
    }
    if (this.#swallowsBegin && !this.#touched && sql === 'BEGIN;') {
      callback.call({}, null, []);
      return;
    }
    this.#touched = true;
    this.#inFlight++;
    const known = this.#driver.kept(sql);
    if (known || !isWorthKeeping(sql)) this.#send(method, sql, known, bindings, callback);
    else {
      this.#driver.keep(sql, (error, made) => {
        if (error) this.#failed(error, callback);
        else this.#send(method, sql, made, bindings, callback);
      });
    }
  }

  #send(
    method: Method,
    sql: string,
    statement: Statement | undefined,
    bindings: readonly unknown[],
    callback: Callback,
  ): void {
    const answer = this.#answer(sql, statement, callback);
    if (statement) statement[method](bindings ?? [], answer);
    else this.#driver.raw[method](sql, bindings ?? [], answer);
  }

  #objectionTo(sql: string): string | undefined {
    if (this.#over !== undefined) return `tx.db was used after its end: ${this.#over}`;
    if (this.#lost) return `the database rolled the transaction back: ${this.#lost.message}`;
    if (!ending.test(sql) || (this.#swallowsBegin && !this.#touched && sql === 'BEGIN;')) return undefined;
    return `tx.db: the fence begins and ends this transaction, so "${sql.trim().slice(0, 20)}" is not for the handler: return to keep the work, throw to take it back`;
  }

  #answer(sql: string, statement: Statement | undefined, callback: Callback): Callback {
    const guarded = this;
    return function (error, rows) {
      if (error) {
        if (statement) guarded.#driver.drop(sql);
        guarded.#failed(error, callback);
        return;
      }
      const { lastID, changes } = this as { lastID?: number; changes?: number };
      guarded.#through();
      callback.call({ lastID, changes }, null, rows);
    };
  }

  /**
   * Some errors make SQLite roll back the whole transaction, and what came after would be committed statement by
   * statement. Only where a transaction is open, beginning one fails.
   */
  #failed(error: Error, callback: Callback): void {
    this.#driver.raw.run('begin', (open: Error | null) => {
      const answer = (): void => {
        this.#through();
        callback.call({}, error);
      };
      if (open) return answer();
      this.#lost ??= error;
      this.#driver.raw.run('rollback', answer);
    });
  }

  #through(): void {
    this.#inFlight--;
    if (this.#inFlight === 0) this.#idle?.();
  }
}
