import test from 'ava';
import { run } from './case.js';
import { everyNth, runIn, singles } from './cases.js';
import { caseOf, optionsOf } from './options.js';
import { scenarios } from './scenarios.js';
import { fates } from './seams.js';
import { replayCommand, strikesText } from './tally.js';

const named = (name: string) => caseOf(name, '').scenario;

test('the same case twice reaches the same boundaries and ends alike', async (t) => {
  for (const strikes of ['', '12 stop', '6 not-done-from-now; 30 stop-all']) {
    const { scenario, ...one } = caseOf('tcc 2 row, plan: all good', strikes);
    const [first, second] = [
      await run(scenario, one.strikes, { keepStory: true }),
      await run(scenario, one.strikes, { keepStory: true }),
    ];
    t.deepEqual(first.story, second.story, strikes);
    t.deepEqual(first.violations, []);
  }
});

test('boundaries stand around each append, send and commit', async (t) => {
  const { reached } = await run(named('saga 1 row, plan: all good'));
  t.deepEqual(reached, [
    'before request',
    'before append',
    'after append',
    'before add',
    'after add',
    'before send',
    'after send',
    'before take',
    'before work',
    'before commit',
    'after commit',
    'before answer',
    'before reply',
    'before append',
    'after append',
  ]);
});

test('each boundary is struck in each way that can befall there, once', async (t) => {
  const wanted = [named('saga 1 row, plan: all good')];
  const { reached } = await run(named('saga 1 row, plan: all good'));
  const texts: string[] = [];
  for await (const one of singles(
    wanted,
    runIn(() => ({})),
  ))
    texts.push(strikesText(one));
  t.is(
    texts.length,
    reached.reduce((sum, where) => sum + fates[where].length, 0),
  );
  t.is(new Set(texts).size, texts.length);
});

test('shares of every n-th are apart, and together they are all', async (t) => {
  async function* numbers() {
    for (let i = 0; i < 10; i++) yield i;
  }
  const shares: number[] = [];
  for (const offset of [0, 1, 2]) for await (const one of everyNth(numbers(), 3, offset)) shares.push(one);
  t.deepEqual(shares.sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a strike that is not reached is a failure', async (t) => {
  const { violations } = await run(named('saga 1 row, plan: all good'), [{ at: 999, fate: 'stop' }]);
  t.deepEqual(violations, ['boundary 999 (stop) was not reached: two runs differ']);
});

test('A13 both coordinators lose their store at the first request, and the client gets through in the end', async (t) => {
  const { scenario, strikes } = caseOf(
    'tcc 1 row, plan: all good, with a standby',
    '2 not-done-from-now; 4 not-done-from-now',
  );
  const { violations, status } = await run(scenario, strikes);
  t.deepEqual(violations, []);
  t.is(status, 'committed');
});

test('what a failure prints runs that case again', (t) => {
  const one = caseOf('mixed 2 row, client: committed', '12 stop; 30 done-once');
  t.true(replayCommand(one).startsWith('npm run crash-points -- --scenario'));
  t.deepEqual(optionsOf(['--scenario', one.scenario.name, '--strikes', strikesText(one)]).one, one);
  t.throws(() => optionsOf(['--scenario', 'no such']), { message: /expected the name of a scenario, got 'no such'/ });
  t.throws(() => caseOf(one.scenario.name, '12 explode'), { message: /got '12 explode'/ });
  t.throws(() => optionsOf(['--store', 'paper']), { message: /expected memory or sqlite, got 'paper'/ });
});

test('scenarios have names of their own', (t) => {
  t.is(new Set(scenarios.map(({ name }) => name)).size, scenarios.length);
});
