import { randomFillSync } from 'node:crypto';
import { planted } from '#faults';

/**
 * Time, for everything in the coordinator. `now` follows the store's clock; nothing waits on a wall clock.
 * Random numbers and ids come from {@link Chance}. Both are seams: a simulator replaces them.
 */
export interface Clock {
  /** UTC ms on the store's clock: sampled from it, carried on by monotonic time. */
  now(): number;
  /** Takes a sample of the store's clock. */
  set(storeNow: number): void;
  /** Ms that only grow, of this process. */
  monotonic(): number;
  /** Calls back once after `delayMs` (at most a day: longer waits live in the store). Returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back once at the end of this turn: after everything that is ready to run now. */
  soon(callback: () => void): void;
}

/** Randomness, as an argument. */
export interface Chance {
  /** A number in [0, 1). */
  draw(): number;
  /** 32 lower-case hex digits, 128 random bits. */
  id(): string;
  /** A UUIDv7 of this moment; sorted by time and unique. */
  uuid(): string;
}

/** setTimeout fires at once for more than 2^31 - 1 ms (24.8 days); a day is far from that. */
const afterMaxMs = 24 * 3600 * 1000;

/** The real clock. Until the first sample of the store's clock, `now` starts from this machine's. */
export function systemClock(): Clock {
  let sampled = Date.now();
  let sampledAt = performance.now();
  return {
    now: () => (planted('use-the-wall-clock') ? Date.now() : Math.floor(sampled + performance.now() - sampledAt)),
    set(storeNow) {
      sampled = storeNow;
      sampledAt = performance.now();
    },
    monotonic: () => (planted('use-the-wall-clock') ? Date.now() : performance.now()),
    after(delayMs, callback) {
      const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), afterMaxMs));
      return () => clearTimeout(timer);
    },
    soon: (callback) => void setImmediate(callback),
  };
}

/** For which share of the time since it was asked last, in [0, 1], this process's loop had something to do. */
export function systemLoop(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}

/** Real randomness. Ids are cut from a pool of random bytes: one call to the system serves 256 of them. */
export function systemChance(): Chance {
  const pool = Buffer.alloc(4096);
  let used = pool.length;
  const take = (bytes: number): number => {
    if (used + bytes > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += bytes;
    return used - bytes;
  };
  const hex = (bytes: number): string => {
    const from = take(bytes);
    return pool.toString('hex', from, from + bytes);
  };
  let last = { ms: 0, count: 0 };
  return {
    draw: Math.random,
    id: () => hex(16),
    uuid() {
      last = nextMoment(last, Date.now(), pool.readUInt16BE(take(2)));
      const ms = last.ms.toString(16).padStart(12, '0');
      const count = last.count.toString(16).padStart(3, '0');
      const variant = (0x8000 | (pool.readUInt16BE(take(2)) & 0x3fff)).toString(16);
      return `${ms.slice(0, 8)}-${ms.slice(8)}-7${count}-${variant}-${hex(6)}`;
    },
  };
}

interface Moment {
  readonly ms: number;
  /** 12 bits that count within one millisecond. */
  readonly count: number;
}

/** The moment of the next UUIDv7: always after the last one, even when the wall clock stands still or goes back. */
function nextMoment(last: Moment, now: number, random: number): Moment {
  // A new millisecond starts in the lower half, so that there is room to count up.
  if (now > last.ms) return { ms: now, count: random & 0x7ff };
  return last.count < 0xfff ? { ms: last.ms, count: last.count + 1 } : { ms: last.ms + 1, count: 0 };
}
