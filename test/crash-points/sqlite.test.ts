/** The same over the real SQLite store: a sample, as each commit there is one. */
import test from 'ava';
import { run } from './case.js';
import { everyNth, type Run, runIn, singles } from './cases.js';
import { scenarios } from './scenarios.js';
import { sqliteVaults } from './sqlite.js';
import { failureOf, Tally } from './tally.js';

const sampled = new Set([
  'tcc 1 row, plan: all good',
  'saga 2 row, plan: step 2 refused',
  'mixed 2 row, client: committed',
  'tcc 2 row, plan: all good, with a standby',
]);
const nth = 17;

test.serial('a sample of crash points ends well on a SQLite file', async (t) => {
  t.timeout(600_000);
  const vaults = await sqliteVaults();
  t.teardown(() => vaults.close());
  const onSqlite = runIn(() => vaults.next());
  const runOne: Run = async (one) => {
    const outcome = await onSqlite(one);
    await vaults.rest();
    return outcome;
  };
  const tally = new Tally();
  const wanted = scenarios.filter(({ name }) => sampled.has(name));
  t.is(wanted.length, sampled.size);
  for await (const one of everyNth(singles(wanted, runOne), nth, 3)) tally.add(one, await runOne(one));
  const [first] = tally.failed;
  if (first)
    t.log(failureOf(first, await run(first.scenario, first.strikes, { ...vaults.next(), keepStory: true }), 'sqlite'));
  t.is(tally.failed.length, 0);
  t.true(tally.cases >= 25, `only ${tally.cases} cases`);
  t.log(`${tally.cases} cases`);
});
