/** A13, I1-I15: the same with a second strike during the recovery from the first. Each run takes another share of all pairs. */
import test from 'ava';
import { run } from './case.js';
import { everyNth, pairs, runIn } from './cases.js';
import { pairedScenarios } from './scenarios.js';
import { failureOf, Tally } from './tally.js';

/** So many runs, one after the other, see every pair: the share is taken by the minute. */
const nth = 41;
const offset = Number(process.env.CONCORDAT_CRASH_POINTS_OFFSET ?? Math.floor(Date.now() / 60_000)) % nth;
const casesMin = 2000;

test.serial(`every ${nth}th pair of crash points ends well`, async (t) => {
  t.timeout(600_000);
  t.log(`share ${offset} of ${nth}; CONCORDAT_CRASH_POINTS_OFFSET=${offset} takes it again`);
  Error.stackTraceLimit = 0;
  const runOne = runIn(() => ({}));
  const tally = new Tally();
  const startedAt = performance.now();
  for await (const one of everyNth(pairs(pairedScenarios, runOne), nth, offset)) tally.add(one, await runOne(one));
  const [first] = tally.failed;
  if (first) t.log(failureOf(first, await run(first.scenario, first.strikes, { keepStory: true })));
  t.is(tally.failed.length, 0);
  t.true(tally.cases >= casesMin, `only ${tally.cases} cases`);
  t.log(tally.table((performance.now() - startedAt) / 1000));
});
