/** Runs the tests of the rooms that are measured, in this one process, so that their coverage is measured in seconds. */
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { loadTests, runTest } from './ava.js';

const rooms = ['decide', 'fence', 'append'] as const;

const testsOf = async (room: string): Promise<readonly string[]> =>
  (JSON.parse(await readFile(`test/mutation/${room}.json`, 'utf8')) as { readonly tests: readonly string[] }).tests;

register('./hooks.js', import.meta.url);
const names = (await Promise.all(rooms.map(testsOf))).flat();
const tests = await loadTests(names.map((name) => new URL(`../${name}.test.js`, import.meta.url)));
for (const test of tests) {
  await runTest(test).catch((error: unknown) => {
    console.error(`${test.id} failed:`, error);
    process.exitCode = 1;
  });
}
console.log(`${tests.length} tests of ${rooms.join(', ')}`);
