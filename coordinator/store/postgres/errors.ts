/** What PostgreSQL's errors mean, by their SQLSTATE. */
import type { Gate } from '../gate.js';
import type { Verdict } from '../group.js';
import { StoreError } from '../store.js';

/** PostgreSQL ends itself when an fsync fails, so nothing of it makes this process end: at worst the store is away. */
const verdicts: Readonly<Record<string, Verdict>> = {
  // Rolled back for the sake of others: serialisation failure, deadlock, a lock not had in time.
  '40001': 'again',
  '40P01': 'again',
  '55P03': 'again',
  // The connection is gone: what was sent last may have been done.
  '57P01': 'again',
  '57P02': 'again',
};

/** Classes of errors that lie in the values: nothing else is wrong with the store. */
const refusing = ['0A', '21', '22', '23', '54', 'P0'];

/** Only the server's own words have one: `EPIPE` is five capitals, too, and comes from the system. */
const stateOf = (error: unknown): string | undefined => {
  const { code, severity } = (error ?? {}) as { readonly code?: unknown; readonly severity?: unknown };
  return typeof code === 'string' && typeof severity === 'string' ? code : undefined;
};

/** What an error means. One without a SQLSTATE is an answer that got lost on the way. */
export function verdictOf(error: unknown): Verdict {
  if (error instanceof Away) return 'outage';
  const state = stateOf(error);
  if (state === undefined || state.startsWith('08')) return 'again';
  return verdicts[state] ?? (refusing.includes(state.slice(0, 2)) ? 'refused' : 'outage');
}

/** Whether nothing may be sent on this connection any more, or it leads to a server that takes no writes. */
export function isOver(error: unknown): boolean {
  const state = stateOf(error);
  return state === undefined || state.startsWith('08') || state.startsWith('57P') || state === '25006';
}

/** Rolled back for the sake of others: the same may be tried again. */
export const isConflict = (error: unknown): boolean => ['40001', '40P01'].includes(stateOf(error) ?? '');

/** The server was not reached a moment ago, and is not tried again yet. */
export class Away extends Error {}

/** The error of a call that is no append. */
export function toStoreError(_gate: Gate, doing: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError('outage', `the store could not ${doing}: ${reasonOf(error)}`, error);
}

/** Of several addresses of one name each may fail: then the first says why. */
export function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message || first.name : String(first);
}
