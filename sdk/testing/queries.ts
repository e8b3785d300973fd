/** Queries that a handler makes, and which of them never ran: knex runs one only when it is awaited. */
import type { OpenTransaction } from '../resources/database.js';

/** What is used of a query of knex's beyond its types. */
interface QueryInside {
  readonly _method?: unknown;
  readonly sql?: unknown;
  on(event: 'start', listener: () => void): unknown;
  toString(): string;
}

const makers = new Set<PropertyKey>(['raw', 'from', 'into', 'table', 'insert', 'queryBuilder', 'withSchema']);
const writes = new Set<unknown>(['insert', 'update', 'del']);

const isQuery = (value: unknown): value is QueryInside & object =>
  typeof value === 'object' && value !== null && 'on' in value && 'then' in value && typeof value.on === 'function';

/**
 * The same transaction, which puts what is made with it into `queries` until it is run. `onFail`: given where the first write
 * that is run is to fail, and called as it does.
 */
export function watchedTransaction(db: OpenTransaction, queries: Set<object>, onFail?: () => void): OpenTransaction {
  let willFail = onFail !== undefined;
  const seen = <T>(made: T): T => {
    if (!isQuery(made)) return made;
    queries.add(made);
    made.on('start', () => {
      queries.delete(made);
      if (!willFail || !isWrite(made)) return;
      willFail = false;
      onFail?.();
      if (db.client.driverName === 'pg') abort(db);
      throw new Error('the database failed (rehearsed)');
    });
    return made;
  };
  return new Proxy(db, {
    apply: (target, self, args) => seen(Reflect.apply(target as never, self, args)),
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (!makers.has(key) || typeof value !== 'function') return value;
      return (...args: readonly unknown[]) => seen(Reflect.apply(value as never, target, args as unknown[]) as unknown);
    },
  });
}

/** As PostgreSQL does with a transaction in which a statement fails: it takes nothing more. */
const abort = (db: OpenTransaction): void =>
  void db.raw(`do $$ begin raise exception 'the database failed (rehearsed)'; end $$`).then(
    () => undefined,
    () => undefined,
  );

/** The writes among them, as SQL. What only reads may be part of another query. */
export const unfinishedQueries = (queries: ReadonlySet<object>): readonly string[] =>
  [...queries].flatMap((query) => {
    return isWrite(query as QueryInside) ? [String(query).slice(0, 200)] : [];
  });

const isWrite = ({ _method: method, sql }: QueryInside): boolean =>
  writes.has(method) || (typeof sql === 'string' && /^\s*(?:insert|update|delete|replace)\b/i.test(sql));
