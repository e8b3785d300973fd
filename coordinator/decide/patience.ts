import type { Work } from './state.js';

/**
 * For how long an attempt was due and not sent: held back, or nobody was there to send it. Each call has `timeoutMs`, so
 * what it took beyond that, it waited. No patience is used up by it.
 */
const heldMs = ({ dueAt }: Work, timeoutMs: number, now: number): number => Math.max(0, now - dueAt - timeoutMs);

/** For how long an op has been tried by now. */
export const triedMs = (work: Work, timeoutMs: number, now: number): number =>
  now - work.since - heldMs(work, timeoutMs, now);

/** From when its patience counts, after an attempt that ended now. */
export const sinceAfter = (work: Work, timeoutMs: number, now: number): number =>
  work.since + heldMs(work, timeoutMs, now);
