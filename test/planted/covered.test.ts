/** A protection that can be taken out is one in the product, and some test sees it gone. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { plantedBugs } from '../../coordinator/faults/faults.js';
import { seenBySimulation } from './seen-by-simulation.js';

const textOf = (folder: string): string =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('faults'))
    .map((path) => readFileSync(join(folder, path), 'utf8'))
    .join('\n');

test('every protection that can be taken out is used in the product, and is named by a test', (t) => {
  const [product, tests] = [textOf('coordinator') + textOf('sdk'), textOf('test')];
  for (const bug of plantedBugs) {
    t.true(product.includes(`planted('${bug}')`), `'${bug}' takes nothing out`);
    t.true(tests.includes(`'${bug}'`), `no test plants '${bug}'`);
  }
});

test('the simulator sees at least 25 of them by itself', (t) => {
  t.true(Object.keys(seenBySimulation).length >= 25);
});
