/** `tx.db`: a knex transaction on a connection where one is open already, by knex's public means alone. */
import type { Database, OpenTransaction } from '../../database.js';
import type { GuardedConnection } from './guarded.js';

export async function openHandle(db: Database, connection: GuardedConnection): Promise<OpenTransaction> {
  const handle = await db.transaction({ connection });
  return Object.assign(handle, {
    isCompleted: () => connection.over,
    commit: () => notYours('commit'),
    rollback: () => notYours('rollback'),
  });
}

const notYours = (verb: string): Promise<never> =>
  Promise.reject(
    new Error(
      `tx.db.${verb}(): the fence ends this transaction: return from the handler to commit, throw to roll back`,
    ),
  );
