/** Runs crash points with a protection taken out, until one of them shows it. */
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { type Case, everyNth, type Run, runIn, singles } from './cases.js';
import type { Scenario } from './scenarios.js';

export interface Caught {
  readonly one: Case;
  readonly cases: number;
  readonly violations: readonly string[];
}

/** Every so many-th crash point of these scenarios. Undefined when none of them shows it. */
export async function hunt(bug: PlantedBug, scenarios: readonly Scenario[], nth: number): Promise<Caught | undefined> {
  const run = runIn(() => ({}));
  let cases = 0;
  const found: Caught[] = [];
  const watched: Run = async (one) => {
    cases++;
    const outcome = await run(one);
    const { violations } = outcome;
    if (violations.length === 0) return outcome;
    found.push({ one, cases, violations });
    return { ...outcome, violations: [] };
  };
  armed.planted.add(bug);
  try {
    for await (const one of everyNth(singles(scenarios, watched), nth, 0)) {
      if (found.length === 0) await watched(one);
      if (found[0]) return found[0];
    }
    return undefined;
  } finally {
    armed.planted.delete(bug);
  }
}
