/** What went wrong on the way into the log, and who hears of it. */
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { StoreError } from '../store/store.js';
import type { EngineParts } from './parts.js';

/** As an error of the catalogue. */
export function shownFor(error: unknown, { log, onBroken }: Pick<EngineParts, 'log' | 'onBroken'>): ConcordatError {
  if (error instanceof ConcordatError) return error;
  if (!(error instanceof StoreError)) {
    log.error({ error: error instanceof Error ? error.stack : String(error) }, 'unexpected');
    return new ConcordatError('internal', 'the coordinator failed; its log has the reason');
  }
  if (error.kind === 'unstorable') return new ConcordatError('too_large', error.message);
  if (error.kind === 'corrupt') return new ConcordatError('log_corrupt', error.message);
  if (error.kind === 'broken') onBroken(error);
  return new ConcordatError('store_unavailable', `the store did not take it: ${error.message}`);
}

/** Whether it is our own trouble, which may pass, and no refusal. */
export const mayPass = (error: unknown): boolean =>
  !(error instanceof ConcordatError) || error.code === 'store_unavailable' || error.code === 'internal';

/** Whether some one input brought it about: it could not be decided, or the store can never take it. */
export const isOfOneInput = (error: unknown): boolean =>
  error instanceof StoreError ? error.kind === 'unstorable' : !(error instanceof ConcordatError);
