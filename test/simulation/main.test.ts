import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { legalTransitions, namedFailpoints } from './reached.js';
import { neverReached, seedsForAll } from './report.js';
import { run } from './run.js';
import { Tally } from './tally.js';
import { faults } from './weather.js';

const entry = fileURLToPath(new URL('./main.js', import.meta.url));

/** `npm run simulate` without the build. */
const simulate = (...args: readonly string[]) =>
  promisify(execFile)(process.execPath, ['--conditions=concordat-test', entry, ...args], { timeout: 240_000 });

test('fresh processes leave the same traces as this one, and their tallies are added up', async (t) => {
  t.timeout(300_000);
  const { stdout } = await simulate('--from', '3', '--seeds', '5', '--processes', '2', '--hashes');
  t.true(stdout.startsWith('seed 3\n'));
  let transactions = 0;
  for (const seed of [3, 4, 5, 6, 7]) {
    const outcome = await run(seed);
    transactions += outcome.transactions;
    t.true(stdout.includes(`${seed} ${outcome.hash}\n`), `seed ${seed}: expected ${outcome.hash} in\n${stdout}`);
  }
  t.regex(stdout, /^seeds +5 /m);
  t.regex(stdout, new RegExp(`^transactions +${transactions} `, 'm'));
});

test('a run that never came by a failpoint, a transition or a fault fails, and says which', (t) => {
  const tally = new Tally();
  for (const name of namedFailpoints.slice(1)) tally.failpoints.set(name, 1);
  for (const name of legalTransitions.slice(1)) tally.transitions.set(name, 1);
  for (const name of faults.slice(1)) tally.faults.set(name, 1);
  tally.seeds = seedsForAll - 1;
  t.deepEqual(neverReached(tally), []);
  tally.seeds = seedsForAll;
  t.deepEqual(neverReached(tally), [
    `the failpoint '${namedFailpoints[0]}' was never reached in ${seedsForAll} seeds`,
    `the transition '${legalTransitions[0]}' was never reached in ${seedsForAll} seeds`,
    `the fault '${faults[0]}' was never reached in ${seedsForAll} seeds`,
  ]);
});

test('the table that is watched decides as before, and only while it is watched', async (t) => {
  const { hash } = await run(11);
  const tally = new Tally();
  const end = tally.watch();
  t.is((await run(11)).hash, hash);
  end();
  const seen = tally.transitions.get('open when absent') ?? 0;
  t.true(seen > 0);
  t.is((await run(11)).hash, hash);
  t.is(tally.transitions.get('open when absent'), seen);
});

test('a fault that nobody knows is not left out in silence', async (t) => {
  const error = await t.throwsAsync<Error & { code: number; stderr: string }>(simulate('--without', 'bad luck'));
  t.is(error.code, 2);
  t.regex(error.stderr, /got 'bad luck'/);
});
