import { execFileSync } from 'node:child_process';
import test from 'ava';
import { root } from '../tidy/sources.js';

/** What `.ci/run` makes of AVA's output: passed, failed. */
const count = (...lines: string[]): string =>
  execFileSync('awk', ['-f', `${root}.ci/count.awk`], { input: `${lines.join('\n')}\n`, encoding: 'utf8' }).trim();

test('AVA says how many passed when nothing failed', (t) => {
  t.is(count('  ✔ a › b', '  ─', '', '  123 tests passed'), '123 0');
  t.is(count('  ✔ b (1.2s)', '  ─', '', '  \u001b[32m1 test passed\u001b[39m', '  1 test skipped'), '1 0');
});

test('ticks are counted when something failed', (t) => {
  t.is(count('  ✔ a', '  ✔ b', '  ✘ [fail]: c', '  ✔ [expected fail] d', '  ─', '  1 test failed'), '2 1');
  t.is(count('  ✔ a', '  ✘ [fail]: beforeEach hook for b', '  1 hook failed', '  2 tests failed'), '1 3');
});

const failures = [
  '  1 uncaught exception',
  '  1 unhandled rejection',
  '  1 test remained pending after a timeout',
  '  ✘ test/a.test.js exited with a non-zero exit code: 1',
  '  ✘ test/a.test.js exited due to SIGKILL',
  '  ✘ test/a.test.js exited due to an error:',
  '  ✘ No tests found in test/a.test.js',
  '  ✘ 1 test remaining in test/a.test.js',
  '  ✘ Internal error',
  '  ✘ Exiting due to process.exit() when running test/a.test.js',
  '  Failed to exit when running test/a.test.js',
];

for (const line of failures) {
  test(`a failure: ${line.trim()}`, (t) => {
    t.is(count('  ✔ a', line, '  ─', '', '  1 test passed'), '1 1');
  });
}

test('no test ran', (t) => {
  t.is(count("  ✘ Couldn't find any files to test"), '0 0');
  t.is(count(''), '0 0');
});
