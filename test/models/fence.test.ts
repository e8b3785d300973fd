import test from 'ava';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { type FenceScope, fenceModel } from './fence.js';
import { allIsWell, isSeen } from './looking.js';

const scoped = (
  name: string,
  [forwards, copies, failures, restores]: readonly [number, number, number, number],
  rest: Omit<FenceScope, 'name' | 'budget'>,
): FenceScope => ({ name, budget: { forwards, copies, failures, restores }, ...rest });

const tcc = scoped('tcc', [2, 2, 2, 0], { kind: 'tcc' });
const split = scoped('tcc of two minds', [2, 1, 1, 0], { kind: 'tcc', isSplit: true });
const restored = scoped('tcc restored', [1, 1, 0, 1], { kind: 'tcc' });
const outside = scoped('tcc outside', [2, 0, 1, 0], { kind: 'tcc', isExternal: true });
const outsideRestored = scoped('tcc outside, restored', [1, 1, 0, 1], { kind: 'tcc', isExternal: true });

/** With the number of states that each has. */
const scopes: readonly (readonly [FenceScope, number])[] = [
  [tcc, 1500],
  [scoped('saga', [2, 2, 2, 0], { kind: 'saga' }), 1200],
  [scoped('message', [0, 2, 2, 0], { kind: 'message' }), 30],
  [split, 1500],
  [restored, 75],
  [outside, 17_400],
  [scoped('saga outside', [1, 1, 1, 0], { kind: 'saga', isExternal: true }), 13_400],
  [scoped('message outside', [0, 2, 2, 0], { kind: 'message', isExternal: true }), 3800],
  [scoped('tcc outside, of two minds', [1, 0, 1, 0], { kind: 'tcc', isExternal: true, isSplit: true }), 14_800],
  [outsideRestored, 3500],
];

for (const [scope, statesMin] of scopes) {
  test.serial(`I1 I5 I6 I7 I12 in whatever order its commands come, the fence of ${scope.name} holds`, (t) =>
    allIsWell(t, fenceModel(scope), statesMin),
  );
}

/** Where each is seen, as what, and in how many steps. */
const planted: readonly (readonly [PlantedBug, FenceScope, RegExp, number])[] = [
  ['fence-forgets-refusals', tcc, /^I12 the forward op is done, and was refused/, 3],
  ['fence-lets-late-forwards-in', tcc, /^I1 I6 rolled back, and forward stands/, 5],
  ['fence-takes-contradictions', split, /^I7 both ends were answered with done/, 5],
  ['fence-takes-missing-for-empty', restored, /^I7 no do before commit/, 6],
  ['fence-takes-missing-for-empty', outsideRestored, /^I1 I6 rolled back, and forward stands/, 8],
  ['fence-forgets-refusals', outside, /^I12 the forward op is done, and was refused/, 7],
  ['fence-lets-late-forwards-in', outside, /^I1 I6 rolled back, and forward stands/, 6],
];

for (const [bug, scope, what, steps] of planted) {
  test.serial(`without the protection against ${bug}, ${scope.name} goes wrong in ${steps} steps`, (t) =>
    isSeen(t, fenceModel(scope), what, steps, bug),
  );
}
