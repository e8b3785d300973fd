/** What a test says of a model: that all is well in it, and that it was looked at; or that a protection taken out is seen. */
import type { ExecutionContext } from 'ava';
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { explore, type Model, report } from './explore.js';

/** Fewer states than at the last look mean that the model looks no further than it did: find out why, then lower the number. */
export async function allIsWell<S>(t: ExecutionContext, model: Model<S>, statesMin: number): Promise<void> {
  const explored = await explore(model);
  const told = report(model, explored);
  t.log(told);
  t.is(explored.counterexample, undefined, told);
  t.true(explored.states >= statesMin, `expected at least ${statesMin} states, got ${told}`);
}

/** The shortest way to what is wrong has so many steps. */
export async function isSeen<S>(
  t: ExecutionContext,
  model: Model<S>,
  what: RegExp,
  steps: number,
  bug?: PlantedBug,
): Promise<void> {
  t.teardown(() => armed.planted.clear());
  if (bug) armed.planted.add(bug);
  const explored = await explore(model);
  const told = report(model, explored);
  t.regex(explored.counterexample?.what ?? 'nothing', what, told);
  t.is(explored.counterexample?.steps.length, steps, told);
}
