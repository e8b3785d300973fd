import { planted } from '#faults';

/** Where a store's clock comes from. A seam: tests and the simulator bring their own. */
export interface TimeSource {
  /** UTC ms of this machine; it may jump. */
  wall(): number;
  /** Ms that only grow. */
  monotonic(): number;
}

export const systemTime: TimeSource = { wall: () => Date.now(), monotonic: () => performance.now() };

/**
 * The clock of a store that has none of its own: the wall clock as it was at this moment, carried on by monotonic
 * time. When the machine's clock jumps, no lease and no deadline runs out early.
 */
export function storeClock(time: TimeSource): () => number {
  const offset = time.wall() - time.monotonic();
  return () => Math.floor(planted('use-the-wall-clock') ? time.wall() : offset + time.monotonic());
}
