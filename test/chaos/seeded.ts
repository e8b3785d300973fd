/** From 0 to less than 1; a seed repeats it. */
export type Draw = () => number;

/** Mulberry32. */
export function seeded(seed: number): Draw {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const among = <T>(draw: Draw, values: readonly T[]): T => values[Math.floor(draw() * values.length)] as T;

/** A whole number from `least` to `most`. */
export const between = (draw: Draw, least: number, most: number): number =>
  least + Math.floor(draw() * (most - least + 1));
