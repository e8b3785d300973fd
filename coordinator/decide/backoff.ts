import type { Backoff } from '../../sdk/protocol/limits.js';

/** Golden ratio: spreads one draw evenly over many branches. */
const spread = 0.618_033_988_749_895;

/** Full jitter: a delay in ms between 0 and `initialMs · factor^failures`, at most `maxMs`. `draw` is in [0, 1). */
export function delayMs(backoff: Backoff, failures: number, draw: number, branch = 0): number {
  const grown = Math.min(Number.MAX_SAFE_INTEGER, backoff.factor ** failures);
  const ceiling = Math.min(backoff.maxMs, backoff.initialMs * grown);
  return Math.round(((draw + branch * spread) % 1) * ceiling);
}
