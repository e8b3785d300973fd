/** `npm run crash-points`: every crash point, or every pair of them. */
import { type Circumstances, run } from './case.js';
import { type Case, everyNth, pairs, runIn, singles } from './cases.js';
import { type Options, optionsOf } from './options.js';
import { pairedScenarios, scenarios } from './scenarios.js';
import { type SqliteVaults, sqliteVaults } from './sqlite.js';
import { failureOf, Tally } from './tally.js';

const progressMs = 10_000;
const shownMax = 5;

const options = optionsOf(process.argv.slice(2));
const vaults = options.store === 'sqlite' ? await sqliteVaults() : undefined;
const circumstances = (): Circumstances => vaults?.next() ?? {};
// Errors are part of many cases, and nobody reads where they come from.
Error.stackTraceLimit = 0;
process.exitCode = (await (options.one ? tellOne(options.one) : runAll(options, vaults))) ? 0 : 1;
await vaults?.close();

async function tellOne(one: Case): Promise<boolean> {
  const outcome = await run(one.scenario, one.strikes, { ...circumstances(), keepStory: true });
  console.log(failureOf(one, outcome, options.store));
  console.log(outcome.violations.length === 0 ? 'nothing is wrong with it' : 'it fails');
  return outcome.violations.length === 0;
}

async function runAll(
  { from, cases, nth, offset, only, pairs: isPairs }: Options,
  vaults?: SqliteVaults,
): Promise<boolean> {
  const wanted = (isPairs ? pairedScenarios : scenarios).filter(({ name }) => name.includes(only));
  const runOne = runIn(circumstances);
  const all = isPairs ? pairs(wanted, runOne) : singles(wanted, runOne);
  const tally = new Tally();
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  let toldAt = startedAt;
  let index = 0;
  for await (const one of everyNth(all, nth, offset)) {
    if (index++ < from) continue;
    if (tally.cases >= cases) break;
    const outcome = await runOne(one);
    await vaults?.rest();
    if (!tally.add(one, outcome) && tally.failed.length <= shownMax) {
      const told = await run(one.scenario, one.strikes, { ...circumstances(), keepStory: true });
      console.log(failureOf(one, { ...outcome, story: told.story }, options.store));
    }
    if (performance.now() - toldAt < progressMs) continue;
    toldAt = performance.now();
    console.log(`case ${index}: '${one.scenario.name}', ${tally.failed.length} violations, ${seconds().toFixed(0)} s`);
  }
  console.log(tally.table(seconds()));
  return tally.failed.length === 0;
}
