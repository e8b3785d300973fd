/** `npm run crash-points`: every crash point, or every pair of them. */
import { program } from '../helpers/flags.js';
import { type Circumstances, run } from './case.js';
import { type Case, everyNth, pairs, runIn, singles } from './cases.js';
import { help, type Options, optionsOf } from './options.js';
import { pairedScenarios, scenarios } from './scenarios.js';
import { type SqliteVaults, sqliteVaults } from './sqlite.js';
import { failureOf, Tally } from './tally.js';

const progressMs = 10_000;
const shownMax = 5;

await program(async () => {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  const options = optionsOf(args);
  const vaults = options.store === 'sqlite' ? await sqliteVaults() : undefined;
  // Errors are part of many cases, and nobody reads where they come from.
  Error.stackTraceLimit = 0;
  const isWell = await (options.one ? tellOne(options.one, options, vaults) : runAll(options, vaults));
  await vaults?.close();
  return isWell ? 0 : 1;
});

async function tellOne(one: Case, { store }: Options, vaults?: SqliteVaults): Promise<boolean> {
  const outcome = await run(one.scenario, one.strikes, { ...vaults?.next(), keepStory: true });
  console.log(failureOf(one, outcome, store));
  console.log(outcome.violations.length === 0 ? 'nothing is wrong with it' : 'it fails');
  return outcome.violations.length === 0;
}

async function runAll(options: Options, vaults?: SqliteVaults): Promise<boolean> {
  const { from, cases, nth, offset, only, pairs: isPairs, store } = options;
  const circumstances = (): Circumstances => vaults?.next() ?? {};
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
      console.log(failureOf(one, { ...outcome, story: told.story }, store));
    }
    if (performance.now() - toldAt < progressMs) continue;
    toldAt = performance.now();
    console.log(`case ${index}: '${one.scenario.name}', ${tally.failed.length} violations, ${seconds().toFixed(0)} s`);
  }
  console.log(tally.table(seconds()));
  if (tally.cases === 0) console.log('no case was run: --from, --offset and --only leave none');
  return tally.failed.length === 0 && tally.cases > 0;
}
