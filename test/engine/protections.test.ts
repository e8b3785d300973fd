import test from 'ava';
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { protections } from './protections.js';

for (const [name, wrongIn] of Object.entries(protections)) {
  test.serial(`I1-I11 the checks see it when a protection is gone: ${name}`, async (t) => {
    t.deepEqual(await wrongIn(), [], 'with the protection');
    armed.planted.add(name as PlantedBug);
    t.teardown(() => armed.planted.delete(name as PlantedBug));
    t.not((await wrongIn()).length, 0, 'without it');
  });
}
