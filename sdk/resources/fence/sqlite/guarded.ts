import type { Statement } from 'sqlite3';
import { type Driver, isWorthKeeping } from './driver.js';

type Callback = (this: unknown, error: Error | null, rows?: unknown) => void;
type Method = 'all' | 'run';

/** What would end the transaction under the fence's feet. */
const ending =
  /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(?:begin|commit|end|rollback(?!\s+(?:transaction\s+)?to\b))\b/i;

/** Functions that may stand in a statement that only reads; others could be anything that somebody loaded. */
const harmless: ReadonlySet<string> = new Set(
  (
    'and as by case else exists from in join not on or over select then using values when where with ' +
    'abs avg cast coalesce count date datetime group_concat hex ifnull iif instr json json_array json_each json_extract ' +
    'json_object julianday length like lower ltrim max min nullif printf replace round row_number rtrim sign strftime ' +
    'string_agg substr substring sum time total trim typeof unixepoch upper'
  ).split(' '),
);

/** Whether a statement surely changes nothing. What begins with `with` may. */
export function onlyReads(sql: string): boolean {
  if (!/^\s*select\b/i.test(sql)) return false;
  for (const [, name = ''] of sql.matchAll(/([\w"`\]]+)\s*\(/g)) if (!harmless.has(name.toLowerCase())) return false;
  return true;
}

/** How knex begins and ends a transaction within a transaction. */
const nesting = /^(SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT) (trx\d+);?$/;

/** A statement whose turn has not come. */
interface Queued {
  readonly callback: Callback;
  readonly send: () => void;
}

/**
 * The connection as one handler sees it, in place of the raw one that it shares with the handlers before and after it.
 * After the handler's end nothing goes through any more, so that what it left un-awaited cannot get into the work of
 * another. knex talks to it as to a connection of sqlite3.
 *
 * It sends one statement at a time. Where one makes the database roll back by itself, those that the handler asked for
 * together with it would otherwise run in no transaction, and each would be committed alone.
 */
export class GuardedConnection {
  readonly __knexUid: unknown;
  readonly #driver: Driver;
  readonly #swallowsBegin: boolean;
  #over: string | undefined;
  #isBusy = false;
  readonly #queued: Queued[] = [];
  readonly #nested = new Set<string>();
  #idle: (() => void) | undefined;
  #touched = false;
  #mayHaveWritten = false;
  #lost: Error | undefined;

  /** `swallowsBegin`: knex begins a transaction of its own on it, which is open already. */
  constructor(driver: Driver, { swallowsBegin }: { readonly swallowsBegin: boolean }) {
    this.#driver = driver;
    this.#swallowsBegin = swallowsBegin;
    this.__knexUid = (driver.raw as { readonly __knexUid?: unknown }).__knexUid;
  }

  /** Whether a statement went through that does more than read. */
  get mayHaveWritten(): boolean {
    return this.#mayHaveWritten;
  }

  /** Whether it lets nothing through any more. */
  get over(): boolean {
    return this.#over !== undefined;
  }

  /** Why the whole transaction is gone, if the database rolled it back by itself. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Whether a transaction that the handler began within this one is neither committed nor rolled back. */
  get isNested(): boolean {
    return this.#nested.size > 0;
  }

  all(sql: string, bindings: readonly unknown[], callback: Callback): void {
    this.#call('all', sql, bindings, callback);
  }

  run(sql: string, bindings: readonly unknown[], callback: Callback): void {
    this.#call('run', sql, bindings, callback);
  }

  /** Lets nothing through from now on; resolves when what was asked for before is through. */
  end(because: string): Promise<void> {
    this.#over ??= because;
    if (!this.#isBusy) return Promise.resolve();
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
    this.#mayHaveWritten ||= !onlyReads(sql);
    const send = (): void => this.#prepare(method, sql, bindings, callback);
    if (this.#isBusy) {
      this.#queued.push({ callback, send });
      return;
    }
    this.#isBusy = true;
    send();
  }

  #prepare(method: Method, sql: string, bindings: readonly unknown[], callback: Callback): void {
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
    const values = bindings ?? [];
    if (statement) statement[method](values, answer);
    else this.#driver.raw[method](sql, values, answer);
  }

  #objectionTo(sql: string): string | undefined {
    if (this.#over !== undefined) return `tx.db was used after its end: ${this.#over}`;
    if (this.#lost) return lostBecause(this.#lost);
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
      guarded.#noteNesting(sql);
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

  #noteNesting(sql: string): void {
    const [, verb, name] = nesting.exec(sql) ?? [];
    if (name === undefined) return;
    if (verb === 'SAVEPOINT') this.#nested.add(name);
    else this.#nested.delete(name);
  }

  /** The next one's turn. */
  #through(): void {
    for (let next = this.#queued.shift(); next; next = this.#queued.shift()) {
      if (!this.#lost) {
        next.send();
        return;
      }
      next.callback.call({}, new Error(lostBecause(this.#lost)));
    }
    this.#isBusy = false;
    this.#idle?.();
  }
}

const lostBecause = ({ message }: Error): string => `the database rolled the transaction back: ${message}`;
