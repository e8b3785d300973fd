/**
 * What stays of a transaction that was purged: the first row of its log, emptied. It holds the place that an open of the
 * same xid would take, so that a request which comes late makes no second effect, and costs those who open nothing.
 */
import type { Xid } from '../../sdk/protocol/ids.js';
import { StoreError } from './store.js';

/** Events have versions from 1. */
export const tombstoneVersion = 0;

export const purged = (xid: Xid, at: number): StoreError =>
  new StoreError(
    'purged',
    `transaction ${xid} finished and was purged on ${new Date(at).toISOString()}; use a new xid for new work`,
  );
