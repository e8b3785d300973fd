/** Runs seeds with a protection taken out until one fails. */
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { run } from './run.js';

export interface Caught {
  readonly seed: number;
  readonly invariant: string;
  readonly what: string;
}

/** Undefined when no seed from `from` on shows it within `seeds`. */
export async function hunt(bug: PlantedBug, from: number, seeds: number): Promise<Caught | undefined> {
  armed.planted.add(bug);
  try {
    for (let seed = from; seed < from + seeds; seed++) {
      const [first] = (await run(seed)).violations;
      if (first) return { seed, invariant: first.invariant, what: first.what };
    }
    return undefined;
  } finally {
    armed.planted.delete(bug);
  }
}
