import { NoCoordinator } from '../../sdk/client/errors.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { ConfigError } from '../config.js';

/** What a command ends with. `broken`: the store of a running coordinator can no longer be trusted. */
export const exitCodes = Object.freeze({ ok: 0, no: 1, usage: 2, unreachable: 3, broken: 70 });

/** A wrong argument; the message says what was expected and what came. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError || error instanceof UsageError) return exitCodes.usage;
  if (error instanceof NoCoordinator) return exitCodes.unreachable;
  return error instanceof ConcordatError && error.code === 'invalid_request' ? exitCodes.usage : exitCodes.no;
}

/** What went wrong, in lines for a person. */
export function explained(error: unknown): string {
  if (!(error instanceof ConcordatError)) return error instanceof Error ? error.message : String(error);
  const details =
    error.details.length > 1 ? error.details.map(({ pointer, message }) => `\n  ${pointer}: ${message}`) : [];
  return `${error.message} (${error.code})${details.join('')}`;
}
