/** The simulator is a check only if it fails: for each protection that is taken out, some seed must. */
import test from 'ava';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { run } from '../simulation/run.js';
import type { Limits } from '../simulation/settings.js';
import { hunt } from './hunt.js';
import { seenBySimulation } from './seen-by-simulation.js';

/** Of wall time, for each. */
const withinMs = 60_000;
/** Nothing hangs on where it begins. */
const from = Number(process.env.CONCORDAT_SEED ?? 1);

for (const [bug, limits] of Object.entries(seenBySimulation) as [PlantedBug, Limits][]) {
  test.serial(`the simulator sees '${bug}'`, async (t) => {
    t.timeout(2 * withinMs);
    const startedAt = performance.now();
    const found = await hunt(bug, from, limits, withinMs);
    if (!found) return t.fail(`from seed ${from} on, ${withinMs} ms of seeds ran well with '${bug}'`);
    t.log(`seed ${found.seed}, ${Math.round(performance.now() - startedAt)} ms: ${found.invariant} ${found.what}`);
    t.deepEqual((await run(found.seed, limits)).violations, [], 'the same seed with the protection in its place');
  });
}
