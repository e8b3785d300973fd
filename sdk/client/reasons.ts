import { planted } from '#faults';
import { ConcordatError, type ErrorCode, errors } from '../protocol/errors.js';
import { NoCoordinator } from './errors.js';

/** Why something is rolled back, as the coordinator takes it: at most 1000 characters that can be shown. */
export const reasonText = (text: string): string =>
  text.slice(0, 1000).replace(/[\p{Cc}\p{Cs}]/gu, ' ') || 'no reason given';

/** An error as a reason. */
export const reasonOf = (error: unknown): string =>
  reasonText(error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${String(error)}`);

/**
 * Whether what was asked may have been done, though this is all that came back. Only an answer that says no to the only
 * request there was, and a request that surely did not arrive, are a no; whatever is not known here is none.
 */
export function mayBeDone(error: unknown): boolean {
  if (error instanceof NoCoordinator) return error.wasSent;
  if (error instanceof ConcordatError) return error.wasSent || isAboutNow(error.code);
  return true;
}

/** Of the coordinator while it cannot, or of what stands in front of it: whether it was done meanwhile is not said. */
const isAboutNow = (code: ErrorCode): boolean => errors[code].status >= 500 || code === 'request_timeout';

/**
 * Answers that hold for whatever else was sent for the same id: the coordinator looks at what it has of a branch first, and
 * a decision stays. Not `branch_conflict` and `xid_conflict`: what has the id may be what the first request made, read in
 * another way since.
 */
const definite: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['already_decided', 'transaction_not_active']);

/** A refusal of a request that was sent before and got no answer then: as itself only where it holds for that one too. */
export function afterSilence(error: ConcordatError): ConcordatError {
  const { code, message, details } = error;
  if (isDefinite(error)) return error;
  const doubt = '; the same request was sent before and got no answer: what was asked may have been done';
  const inDoubt = new ConcordatError(code, isAboutNow(code) ? message : message + doubt, details, { wasSent: true });
  inDoubt.cause = error;
  return inDoubt;
}

/**
 * Whether an error ends what was asked as a no, so that something else may be done in its place. `wasTaken`: an earlier
 * request for it was answered, and whatever is wrong with this one says nothing of it.
 */
export const isNo = (error: unknown, wasTaken: boolean): boolean =>
  isDefinite(error) || (!wasTaken && !mayBeDone(error)) || planted('silence-is-a-no');

const isDefinite = (error: unknown): boolean => error instanceof ConcordatError && definite.has(error.code);

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
