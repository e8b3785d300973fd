/**
 * `tx.db`: a knex transaction on a connection where one is open already.
 *
 * knex makes one in 80 µs, of which a handler's insert takes 20. So one is made for all, and each handler gets a thin
 * heir of it with a connection of its own. That leans on how knex is built inside: it is tried out first, and where it
 * does not hold, each handler gets a transaction that knex made (`slow`).
 */
import type { Database, OpenTransaction } from '../../database.js';
import type { GuardedConnection } from './guarded.js';

/** What is used of knex beyond its types. */
interface ClientInside {
  readonly transacting?: boolean;
  acquireConnection(): Promise<unknown>;
  query: unknown;
  stream: unknown;
  queryBuilder(): { table(name: unknown, options: unknown): unknown };
  emit(event: string, ...values: readonly unknown[]): boolean;
  on(event: string, listener: (...values: readonly unknown[]) => void): unknown;
}

interface ContextInside {
  client: ClientInside;
  transaction: unknown;
  queryBuilder(): ReturnType<ClientInside['queryBuilder']>;
  _transaction(container: unknown, options: unknown, outer: unknown): unknown;
}

interface KnexInside {
  readonly client: ClientInside;
  context: ContextInside;
}

/** Makes `tx.db` for one handler. */
export type OpenHandle = (connection: GuardedConnection) => OpenTransaction;

const events = ['start', 'query', 'query-error', 'query-response'] as const;

/** Undefined where knex is built otherwise than this counts on. */
export async function thinHandles(db: Database): Promise<OpenHandle | undefined> {
  try {
    const root = (await db.transaction({ connection: dryConnection(['BEGIN;']) })) as OpenTransaction & KnexInside;
    const open: OpenHandle = (connection) => thinHandle(root, connection);
    return (await holds(open)) ? open : undefined;
  } catch {
    return undefined;
  }
}

/** The slow way, by knex's public means alone. */
export const slowHandle = (db: Database, connection: GuardedConnection): Promise<OpenTransaction> =>
  db.transaction({ connection });

function thinHandle(root: OpenTransaction & KnexInside, connection: GuardedConnection): OpenTransaction {
  const client = thinClient(root.client, connection);
  const context: ContextInside = Object.create(root.context);
  context.client = client;
  // Transactions of the handler's wait for each other, not for those of another handler.
  const outer = { isCompleted: () => connection.over, _lastChild: Promise.resolve() };
  const nested = (container: unknown, options?: object) => context._transaction(...inOrder(container, options), outer);
  context.transaction = nested;
  const handle = (table: unknown, options: unknown): unknown => context.queryBuilder().table(table, options);
  Object.setPrototypeOf(handle, root);
  return Object.assign(handle, {
    context,
    savepoint: nested,
    isCompleted: () => connection.over,
    commit: () => notYours('commit'),
    rollback: () => notYours('rollback'),
    ...listening(root, client, () => handle as unknown as ClientInside),
  }) as unknown as OpenTransaction;
}

function thinClient(inner: ClientInside, connection: GuardedConnection): ClientInside {
  const client: ClientInside = Object.create(inner);
  const { query, stream } = inner.constructor.prototype as ClientInside;
  // A transaction's own look whether the connection is the one it began on; that of the heirs is another.
  return Object.assign(client, { acquireConnection: () => Promise.resolve(connection), query, stream });
}

/** Knex takes the options first where there is no function. */
const inOrder = (container: unknown, options: object | undefined): [unknown, object] =>
  typeof container === 'function'
    ? [container, { doNotRejectOnRollback: true, ...options }]
    : [undefined, { doNotRejectOnRollback: true, ...((container as object | null) ?? options) }];

const notYours = (verb: string): Promise<never> =>
  Promise.reject(
    new Error(
      `tx.db.${verb}(): the fence ends this transaction: return from the handler to commit, throw to roll back`,
    ),
  );

/** Listeners of one handler hear that handler alone, and are gone with it. */
function listening(root: KnexInside, client: ClientInside, handle: () => ClientInside): object {
  let own = false;
  const onFirst =
    (method: 'on' | 'once') =>
    (event: string, listener: (...values: readonly unknown[]) => void): unknown => {
      if (!own) {
        own = true;
        for (const emitter of [client, handle()]) Object.assign(emitter, { _events: undefined, _eventsCount: 0 });
        for (const name of events) {
          client.on(name, (...values) => {
            root.client.emit(name, ...values);
            handle().emit(name, ...values);
          });
        }
      }
      return (root as unknown as Record<string, (...values: readonly unknown[]) => unknown>)[method]?.call(
        handle(),
        event,
        listener,
      );
    };
  return { on: onFirst('on'), once: onFirst('once'), addListener: onFirst('on') };
}

/** No database: notes what it hears and says that it went well, or only takes what is `expected` and nothing else. */
function dryConnection(expected?: readonly string[], heard: string[] = []): object {
  const hear = (
    sql: string,
    _bindings: unknown,
    callback: (this: object, error: Error | null, rows: unknown[]) => void,
  ) => {
    heard.push(sql);
    const isExpected = expected === undefined || expected.includes(sql);
    callback.call({}, isExpected ? null : new Error('expected a statement on the connection of a handler'), []);
  };
  return { all: hear, run: hear };
}

/** Tries out what handlers do with `tx.db`, dry. */
async function holds(open: OpenHandle): Promise<boolean> {
  const heard: string[] = [];
  const handle = open(dryConnection(undefined, heard) as GuardedConnection);
  await handle('a').insert({ b: 1 });
  await handle.select('b').from('a');
  await handle.raw('select 1');
  await handle.transaction(async (nested) => void (await nested('a').where('b', 1).del()));
  await handle.savepoint(async (nested) => void (await nested('a').where('b', 1).update({ b: 2 })));
  await handle('a').where('b', 2).transacting(handle).first();
  const said = heard.map((sql) => sql.split(' ')[0]?.toLowerCase()).join(' ');
  return (
    said === 'insert select select savepoint delete release savepoint update release select' &&
    handle.isTransaction === true
  );
}
