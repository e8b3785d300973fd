/** The transaction that the running code belongs to. It follows awaits, timers and callbacks. */
import { AsyncLocalStorage } from 'node:async_hooks';

/** What code inside a transaction can ask of it. */
export interface CurrentTransaction {
  readonly xid: string;
  /**
   * - `initiator`: this process opened it, or joined it from a trusted caller; remotes add branches to it.
   * - `branch`: a handler works for one of its branches.
   */
  readonly role: 'initiator' | 'branch';
  /** Whether a mark was set from here. */
  readonly rollbackOnly: boolean;
  /** Turns its commit into a rollback. Resolves when the coordinator has it; what sends it waits for it unasked. */
  setRollbackOnly(reason?: string): Promise<void>;
}

const storage = new AsyncLocalStorage<CurrentTransaction | undefined>();

/** The transaction that this code runs in; undefined outside of one. */
export const currentTransaction = (): CurrentTransaction | undefined => storage.getStore();

/** Runs `work` inside a transaction; `undefined` takes it out of the one it is in. */
export const runIn = <T>(transaction: CurrentTransaction | undefined, work: () => T): T =>
  storage.run(transaction, work);

/**
 * Turns the commit of the transaction that this code runs in into a rollback, from wherever it is called. It need not be
 * awaited: the end of the transaction waits for it. Throws outside of a transaction.
 */
export function setRollbackOnly(reason?: string): Promise<void> {
  const transaction = currentTransaction();
  if (!transaction)
    throw new Error('setRollbackOnly: expected to be called inside a transaction, got a call outside of one');
  return transaction.setRollbackOnly(reason);
}
