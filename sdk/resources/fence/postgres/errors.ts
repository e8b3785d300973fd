/** What PostgreSQL's errors mean to the fence, by their SQLSTATE. */
const stateOf = (error: unknown): string => String((error as { readonly code?: unknown } | null)?.code);

/** A lock was not had in time. */
export const isLockTimeout = (error: unknown): boolean => stateOf(error) === '55P03';

/** A deadlock, or a serialisation failure: the transaction is rolled back, and the whole of it may be tried again. */
export const isConflict = (error: unknown): boolean => ['40001', '40P01'].includes(stateOf(error));

/** A statement failed before, so that the transaction takes no more. */
export const isAborted = (error: unknown): boolean => stateOf(error) === '25P02';

/** The server or the way to it went away: what was sent last may have been done. Only the server's own words have a severity. */
export const isLost = (error: unknown): boolean =>
  (error as { readonly severity?: unknown } | null)?.severity === undefined || /^(?:08|57P)/.test(stateOf(error));

/** The fence's own table is not there. */
export const isUnprepared = (error: unknown): boolean =>
  stateOf(error) === '42P01' && /"concordat_fence"/.test((error as Error).message);
