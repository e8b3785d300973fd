import { readFileSync } from 'node:fs';
import test from 'ava';
import { root } from '../tidy/sources.js';
import { documents } from './documents.js';

for (const { path, render } of documents) {
  test(`${path} agrees with the code (else: npm run docs)`, (t) => {
    t.is(readFileSync(root + path, 'utf8'), render());
  });
}
