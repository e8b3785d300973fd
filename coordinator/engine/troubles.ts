/** What went wrong on the way into the log, and who hears of it. */
import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Verdict } from '../decide/inputs.js';
import type { Log } from '../observe/log.js';
import { StoreError } from '../store/store.js';
import type { Waiting } from './entry.js';
import type { EngineParts } from './parts.js';

/** As an error of the catalogue. `about`: what a line in the log is to say besides. */
export function shownFor(
  error: unknown,
  { log, onBroken }: Pick<EngineParts, 'log' | 'onBroken'>,
  about: object = {},
): ConcordatError {
  if (error instanceof ConcordatError) return error;
  if (!(error instanceof StoreError)) {
    log.error({ ...about, error: error instanceof Error ? error.stack : String(error) }, 'unexpected');
    return new ConcordatError('internal', 'the coordinator failed; its log has the reason');
  }
  if (error.kind === 'unstorable') return new ConcordatError('too_large', error.message);
  if (isPurged(error)) return new ConcordatError('transaction_purged', error.message);
  if (error.kind === 'corrupt') return new ConcordatError('log_corrupt', error.message);
  if (error.kind === 'broken') onBroken(error);
  return new ConcordatError('store_unavailable', `the store did not take it: ${error.message}`);
}

/** Says which requests came to nothing, and why; an error of the catalogue for whoever made them. */
export function notTaken(
  xid: Xid,
  batch: readonly Waiting[],
  error: unknown,
  parts: Pick<EngineParts, 'log' | 'onBroken'>,
): ConcordatError {
  const about = { xid, requestIds: batch.flatMap(({ asker }) => asker?.requestId ?? []) };
  // A late request for what was purged is the caller's affair: nobody is to be woken for it.
  if (!isPurged(error)) parts.log.warn({ ...about, error: (error as Error).message }, 'not taken into the log');
  return shownFor(error, parts, about);
}

/** Nothing is left to be done about it. */
export const isPurged = (error: unknown): boolean => error instanceof StoreError && error.kind === 'purged';

/** Whether it is our own trouble, which may pass, and no refusal. */
export const mayPass = (error: unknown): boolean =>
  !(error instanceof ConcordatError) || error.code === 'store_unavailable' || error.code === 'internal';

/** Whether some one input brought it about: it could not be decided, or the store can never take it. */
export const isOfOneInput = (error: unknown): boolean =>
  error instanceof StoreError ? error.kind === 'unstorable' : !(error instanceof ConcordatError);

/** What a caller hears who was refused, or asked for what is not there. A contradiction is for people to look at, too. */
export function refusalOf(xid: Xid, verdict: Verdict | undefined, log: Log, requestId?: string | null): ConcordatError {
  if (verdict?.kind !== 'refuse') return new ConcordatError('transaction_not_found', `there is no transaction ${xid}`);
  if (verdict.code === 'outcome_contradicts') log.error({ xid, requestId, detail: verdict.detail }, 'contradiction');
  return new ConcordatError(verdict.code, verdict.detail);
}
