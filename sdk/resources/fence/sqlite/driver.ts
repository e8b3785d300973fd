import type { Database as Sqlite, Statement } from 'sqlite3';
import { type StatementName, statements } from './statements.js';

export type Row = Readonly<Record<string, unknown>>;

/** Statements of a handler's that are kept prepared, by connection. */
const keptMax = 100;
const keptPattern = /^\s*(?:insert|update|delete|select|with)\b/i;
const keptLengthMax = 4000;

/** Ordinary statements of ordinary length are worth keeping; anything else is prepared each time. */
export const isWorthKeeping = (sql: string): boolean => sql.length <= keptLengthMax && keptPattern.test(sql);

/**
 * One raw connection of a knex pool with its prepared statements: preparing costs as much as running. They are let go of
 * before the connection is closed, which would fail otherwise.
 */
export class Driver {
  readonly raw: Sqlite;
  readonly #own = new Map<StatementName, Statement>();
  readonly #kept = new Map<string, Statement>();

  constructor(raw: Sqlite) {
    this.raw = raw;
    const close = raw.close.bind(raw);
    raw.close = (callback) => {
      this.#letGo();
      close(callback);
    };
  }

  /** Runs one of the fence's own statements to its end and resolves with its rows. */
  async run(name: StatementName, ...values: readonly unknown[]): Promise<readonly Row[]> {
    const statement = this.#own.get(name) ?? (await this.#prepareOwn(name));
    return new Promise((resolve, reject) => {
      statement.all<Row>(values, (error, rows) => {
        if (!error) return resolve(rows);
        // One that met a lock stays half-way and holds what it has, until it is reset.
        statement.reset(() => reject(error));
      });
    });
  }

  /** The prepared statement of a text, if there is one by now. */
  kept(sql: string): Statement | undefined {
    const statement = this.#kept.get(sql);
    if (statement) {
      // The last used stands last.
      this.#kept.delete(sql);
      this.#kept.set(sql, statement);
    }
    return statement;
  }

  /** Prepares a statement for now and later. */
  keep(sql: string, callback: (error: Error | null, statement: Statement) => void): void {
    const statement: Statement = this.raw.prepare(sql, (error) => {
      if (!error) this.#add(sql, statement);
      callback(error, statement);
    });
  }

  /** Forgets a statement that failed. */
  drop(sql: string): void {
    this.#kept.get(sql)?.finalize();
    this.#kept.delete(sql);
  }

  #add(sql: string, statement: Statement): void {
    // Two that were prepared at once: the first stays in use until it is through.
    this.#kept.get(sql)?.finalize();
    this.#kept.delete(sql);
    this.#kept.set(sql, statement);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > keptMax) this.drop(oldest as string);
  }

  async #prepareOwn(name: StatementName): Promise<Statement> {
    const statement = await new Promise<Statement>((resolve, reject) => {
      const made: Statement = this.raw.prepare(statements[name], (error) => (error ? reject(error) : resolve(made)));
    });
    this.#own.set(name, statement);
    return statement;
  }

  #letGo(): void {
    for (const statement of [...this.#own.values(), ...this.#kept.values()]) statement.finalize();
    this.#own.clear();
    this.#kept.clear();
  }
}

const drivers = new WeakMap<Sqlite, Driver>();

/** The one driver of a raw connection. */
export function driverOf(raw: Sqlite): Driver {
  const known = drivers.get(raw) ?? new Driver(raw);
  drivers.set(raw, known);
  return known;
}
