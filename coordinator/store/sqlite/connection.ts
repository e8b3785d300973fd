import type { Database, Statement } from 'sqlite3';
import type { Counters } from '../gate.js';
import type { Row } from '../rows.js';
import { type StatementName, statements } from './statements.js';

/** Stands around each statement of the store's own connections; tests lose answers and inject errors with it. */
export type Around = (name: StatementName, run: () => Promise<readonly Row[]>) => Promise<readonly Row[]>;

/**
 * One connection with its prepared statements. The driver keeps no order between prepared statements, so each is
 * awaited, and what must not be mixed with others' statements goes through {@link exclusive}.
 */
export class Connection {
  readonly #db: Database;
  readonly #counters: Counters | undefined;
  readonly #around: Around | undefined;
  readonly #prepared = new Map<StatementName, Statement>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(db: Database, around?: Around, counters?: Counters) {
    this.#db = db;
    this.#counters = counters;
    this.#around = around;
  }

  /** Runs a statement to its end and resolves with its rows. */
  run(name: StatementName, ...values: readonly unknown[]): Promise<readonly Row[]> {
    if (this.#counters) this.#counters.statements++;
    return this.#around ? this.#around(name, () => this.#run(name, values)) : this.#run(name, values);
  }

  /** Runs `work` when nobody else's is under way here. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Lets go of the statements, which would keep the database open, once nothing is under way. */
  async release(): Promise<void> {
    await this.#last;
    for (const statement of this.#prepared.values()) {
      await new Promise<void>((resolve) => statement.finalize(() => resolve()));
    }
    this.#prepared.clear();
  }

  async #run(name: StatementName, values: readonly unknown[]): Promise<readonly Row[]> {
    const statement = this.#prepared.get(name) ?? (await this.#prepare(name));
    return new Promise((resolve, reject) => {
      statement.all<Row>(values, (error, rows) => {
        if (!error) return resolve(rows);
        // A statement that met a lock stays half-way and holds an old snapshot, and with it every later write, until it is reset.
        statement.reset(() => reject(error));
      });
    });
  }

  async #prepare(name: StatementName): Promise<Statement> {
    const statement = await new Promise<Statement>((resolve, reject) => {
      const made: Statement = this.#db.prepare(statements[name], (error) => (error ? reject(error) : resolve(made)));
    });
    const earlier = this.#prepared.get(name);
    if (earlier) {
      statement.finalize();
      return earlier;
    }
    this.#prepared.set(name, statement);
    return statement;
  }
}
