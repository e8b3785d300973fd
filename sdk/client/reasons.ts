import { ConcordatError, errors } from '../protocol/errors.js';
import { NoCoordinator } from './errors.js';

/** Why something is rolled back, as the coordinator takes it: at most 1000 characters that can be shown. */
export const reasonText = (text: string): string =>
  text.slice(0, 1000).replace(/[\p{Cc}\p{Cs}]/gu, ' ') || 'no reason given';

/** An error as a reason. */
export const reasonOf = (error: unknown): string =>
  reasonText(error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${String(error)}`);

/** Whether what was asked may have been done, though this is all that came back. */
export const mayBeDone = (error: unknown): boolean =>
  (error instanceof NoCoordinator && error.wasSent) ||
  (error instanceof ConcordatError && errors[error.code].status >= 500);

/** Puts the transaction's xid on an error that leaves it, where it can be read and does not show. */
export function tag(error: unknown, xid: string): void {
  note(error, 'xid', xid);
}

/** The same for why a transaction could not be rolled back: its deadline does it then. */
export function tagNotRolledBack(error: unknown, why: unknown): void {
  note(error, 'rollbackError', why);
}

function note(error: unknown, key: string, value: unknown): void {
  // Ours say themselves of which transaction they speak; a primitive and a frozen object have no place for it.
  if (typeof error !== 'object' || error === null) return;
  if (Object.getOwnPropertyDescriptor(error, key)?.enumerable) return;
  Reflect.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
}
