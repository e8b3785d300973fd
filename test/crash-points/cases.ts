/** Every case there is, in an order that never changes: one boundary after the other, each with all that can befall there. */
import { type Circumstances, type Outcome, run } from './case.js';
import type { Scenario } from './scenarios.js';
import { fates, type Strike, type Where } from './seams.js';

export interface Case {
  readonly scenario: Scenario;
  readonly strikes: readonly Strike[];
}

export type Run = (one: Case) => Promise<Outcome>;

export const runIn =
  (circumstances: () => Circumstances): Run =>
  ({ scenario, strikes }) =>
    run(scenario, strikes, circumstances());

/** Each scenario undisturbed. Throws where that does not end well: nothing that is cut out of it could be judged. */
export async function* undisturbed(scenarios: readonly Scenario[], run: Run): AsyncGenerator<[Case, Outcome]> {
  for (const scenario of scenarios) {
    const one: Case = { scenario, strikes: [] };
    const outcome = await run(one);
    if (outcome.violations.length > 0)
      throw new Error(`'${scenario.name}' expected to end well undisturbed, got: ${outcome.violations.join('; ')}`);
    yield [one, outcome];
  }
}

/** Every crash point. */
export async function* singles(scenarios: readonly Scenario[], run: Run): AsyncGenerator<Case> {
  for await (const [one, { reached }] of undisturbed(scenarios, run)) yield* struckOnceMore(one, reached);
}

/** Every crash point, then every one that is reached after it. */
export async function* pairs(scenarios: readonly Scenario[], run: Run): AsyncGenerator<Case> {
  for await (const first of singles(scenarios, run)) yield* struckOnceMore(first, (await run(first)).reached);
}

/** A case struck at each boundary after its last strike, in each way. */
function* struckOnceMore({ scenario, strikes }: Case, reached: readonly Where[]): Generator<Case> {
  for (let at = (strikes.at(-1)?.at ?? 0) + 1; at <= reached.length; at++) {
    const where = reached[at - 1];
    for (const fate of where ? fates[where] : []) yield { scenario, strikes: [...strikes, { at, fate }] };
  }
}

/** Every so many-th, beginning with `offset`. */
export async function* everyNth<T>(all: AsyncIterable<T>, nth: number, offset: number): AsyncGenerator<T> {
  let index = 0;
  for await (const one of all) if (index++ % nth === offset % nth) yield one;
}
