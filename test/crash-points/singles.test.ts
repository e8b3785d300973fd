/** A1-A13, I1-I15: whatever stops or fails at whichever boundary, everything ends as it must. */
import test from 'ava';
import { run } from './case.js';
import { type Case, runIn, singles } from './cases.js';
import { type Scenario, scenarios } from './scenarios.js';
import { fates } from './seams.js';
import { failureOf, replayCommand, Tally } from './tally.js';

const casesMin = 5000;
const tally = new Tally();
const runOne = runIn(() => ({}));

function byShape(): ReadonlyMap<string, readonly Scenario[]> {
  const groups = new Map<string, Scenario[]>();
  for (const scenario of scenarios) {
    const { kind, steps } = scenario;
    const key = `${kind}, ${steps.length} ${steps.length === 1 ? 'branch' : 'branches'}`;
    groups.set(key, [...(groups.get(key) ?? []), scenario]);
  }
  return groups;
}

test.before(() => {
  // Errors are part of many cases, and nobody reads where they come from.
  Error.stackTraceLimit = 0;
});

for (const [shape, group] of byShape()) {
  test.serial(`${shape}: every crash point ends well`, async (t) => {
    t.timeout(600_000);
    const failed: Case[] = [];
    let cases = 0;
    for await (const one of singles(group, runOne)) {
      cases++;
      if (!tally.add(one, await runOne(one))) failed.push(one);
    }
    const [first] = failed;
    if (first) t.log(failureOf(first, await run(first.scenario, first.strikes, { keepStory: true })));
    t.deepEqual(
      failed.slice(0, 20).map((one) => replayCommand(one)),
      [],
      `${failed.length} of ${cases} cases fail`,
    );
    t.log(`${group.length} scenarios, ${cases} cases`);
  });
}

test.serial('every sort of strike was dealt at every sort of boundary', (t) => {
  t.true(tally.cases >= casesMin, `only ${tally.cases} cases`);
  const wanted = Object.entries(fates).flatMap(([where, each]) => each.map((fate) => `${where}: ${fate}`));
  t.deepEqual(
    wanted.filter((one) => !tally.fates.has(one)),
    [],
  );
  t.log(tally.table(1));
});
