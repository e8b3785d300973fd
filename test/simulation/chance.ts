import type { Chance } from '../../coordinator/clock.js';

/** Draws that follow from a seed alone; what is drawn here and there does not disturb one another. */
export class Dice {
  #a: number;
  #b: number;

  constructor(seed: number, name = '') {
    this.#a = mix(seed ^ 0x9e3779b9, name);
    this.#b = mix(Math.imul(seed, 0x85ebca6b) ^ 0xc2b2ae35, name) | 1;
  }

  /** 32 random bits. */
  bits(): number {
    this.#a = (this.#a + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#a ^ (this.#a >>> 15), this.#b | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A number in [0, 1). */
  draw = (): number => this.bits() / 2 ** 32;

  chance(share: number): boolean {
    return this.draw() < share;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.draw() * limit);
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** Throws when there is nothing to choose from. */
  one<T>(all: readonly T[]): T {
    if (all.length === 0) throw new Error('expected something to choose from, got nothing');
    return all[this.below(all.length)] as T;
  }

  /** What a coordinator draws from. */
  chanceOf(): Chance {
    const id = (): string => [0, 0, 0, 0].map(() => hex(this.bits())).join('');
    return { draw: this.draw, id, uuid: () => `x${hex(this.bits())}${hex(this.bits())}` };
  }
}

const hex = (bits: number): string => bits.toString(16).padStart(8, '0');

/** FNV-1a with a final avalanche. */
export function mix(seed: number, text: string): number {
  let hash = (seed ^ 0x811c9dc5) | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return hash ^ (hash >>> 16);
}
