/**
 * Time, for everything in a host. A seam: a simulator brings its own. Nothing else in the participant's rooms asks the
 * machine.
 */
export interface Clock {
  /** UTC ms. */
  now(): number;
  /** Ms that only grow, of this process. */
  monotonic(): number;
  /** Calls back once after `delayMs` (at most a day). Returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** setTimeout fires at once for more than 2^31 - 1 ms (24.8 days); a day is far from that. */
const afterMaxMs = 24 * 3600 * 1000;

/** The machine's own. Its timers keep no process alive. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs: number, callback: () => void) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), afterMaxMs)).unref();
    return () => clearTimeout(timer);
  },
});

/** Waits for something, but no longer than `ms`: then it rejects. */
export function atMost<T>(ms: number, work: Promise<T>, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new Error(`no answer within ${Math.round(ms)} ms`)));
    work.then(resolve, reject).finally(cancel);
  });
}
