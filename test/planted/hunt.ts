/** Runs seeds of the simulator with a protection taken out until one of them fails. */
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { run } from '../simulation/run.js';
import type { Limits } from '../simulation/settings.js';

export interface Caught {
  readonly seed: number;
  readonly invariant: string;
  readonly what: string;
}

/** Undefined when no seed from `from` on shows it within so many ms. */
export async function hunt(
  bug: PlantedBug,
  from: number,
  limits: Limits,
  withinMs: number,
): Promise<Caught | undefined> {
  armed.planted.add(bug);
  const until = performance.now() + withinMs;
  try {
    for (let seed = from; performance.now() < until; seed++) {
      const [first] = (await run(seed, limits)).violations;
      if (first) return { seed, invariant: first.invariant, what: first.what };
    }
    return undefined;
  } finally {
    armed.planted.delete(bug);
  }
}
