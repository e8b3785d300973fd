/** The repository as it is. That each rule catches what it is there for is shown in planted.test.ts. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { bannedCalls, callSeams, waitingInDecide } from './calls.js';
import { importCycles, sdkRoomCycles } from './cycles.js';
import { strayAtTop } from './layout.js';
import { badManners, vagueFiles } from './manners.js';
import { misplacedImports, undeclaredPackages } from './rooms.js';
import { linesOf, longFiles, longFunctions, median } from './sizes.js';
import { isProduct, listFiles, readSources, root } from './sources.js';

const sources = readSources();

test('there is something to check', (t) => {
  t.true(sources.length > 20);
  t.true(sources.some(isProduct));
});

test('imports go one way through the rooms', (t) => {
  t.deepEqual(misplacedImports(sources), []);
});

test('no file imports itself through others', (t) => {
  t.deepEqual(importCycles(sources), []);
  t.deepEqual(sdkRoomCycles(sources), []);
});

test('sdk and coordinator import only what they declare', (t) => {
  const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const shipped = sources.filter(({ path }) => path.startsWith('sdk/') || path.startsWith('coordinator/'));
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  const declared = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  t.deepEqual(undeclaredPackages(shipped, declared), []);
});

test('time, chance and the environment come in through their seams', (t) => {
  t.deepEqual(bannedCalls(sources), []);
});

test('every seam has a reason', (t) => {
  t.deepEqual(
    callSeams.filter(({ because }) => because.length < 20).map(({ path }) => path),
    [],
  );
});

test('deciding waits for nothing', (t) => {
  t.deepEqual(waitingInDecide(sources), []);
});

test('files and functions stay small', (t) => {
  t.log(`median file: ${median(sources.filter(isProduct).map(({ text }) => linesOf(text)))} lines of product code`);
  t.log(
    `median file: ${median(sources.filter((source) => !isProduct(source)).map(({ text }) => linesOf(text)))} of tests`,
  );
  t.deepEqual(longFiles(sources), []);
  t.deepEqual(longFunctions(sources), []);
});

test('product code hides nothing from the compiler, the linter or the log', (t) => {
  t.deepEqual(badManners(sources), []);
});

test('files are called what they are', (t) => {
  t.deepEqual(vagueFiles(sources), []);
});

test('the top level holds the rooms and nothing else', (t) => {
  t.deepEqual(strayAtTop(listFiles()), []);
});
