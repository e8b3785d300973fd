import type { Chance } from '../../coordinator/embed/stage.js';

/** Chance that is the same in every case: ids are counted, draws come from a small generator (mulberry32). */
export function rehearsedChance(): Chance {
  let state = 0x9e3779b9;
  let count = 0;
  const draw = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const counted = (digits: number): string => (++count).toString(16).padStart(digits, '0');
  return {
    draw,
    id: () => counted(32),
    uuid: () => `00000000-0000-7000-8000-${counted(12)}`,
  };
}
