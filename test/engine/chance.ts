import type { Chance } from '../../coordinator/clock.js';

/** The same seed gives the same draws and ids. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0 || 1;
  const draw = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(draw() * 16).toString(16)).join('');
  let count = 0;
  return { draw, id: () => hex(32), uuid: () => `x${String(++count).padStart(5, '0')}-${hex(8)}` };
}
