/** What is told of a store by who looks at it from outside. */
import type { TransactionStatus } from '../../sdk/protocol/views.js';
import { migrations, schemaVersion } from './migrations/migrations.js';
import type { Instance, Lease } from './store.js';

export interface StoreSchema {
  /** Steps that ran; 0 of an empty file or database. */
  readonly version: number;
  /** Steps that this version of the program has. */
  readonly known: number;
  /** Names of those that have not run. */
  readonly pending: readonly string[];
  /** Who says to be running on it, whether it still is or not. */
  readonly leases: readonly Lease[];
}

export interface StoreFacts extends StoreSchema {
  readonly bytes: number;
  /** Of a file's own write-ahead log. */
  readonly walBytes: number;
  readonly counts: Readonly<Partial<Record<TransactionStatus, number>>>;
  /** When the oldest transaction was opened that is not final, UTC ms. */
  readonly oldestUnfinished: number | null;
  readonly tombstones: number;
  readonly instances: readonly Instance[];
}

/** Of a store that is not there yet. */
export const emptySchema: StoreSchema = Object.freeze({
  version: 0,
  known: schemaVersion,
  pending: migrations.map(({ name }) => name),
  leases: [],
});
