/** `npm run docs`: writes every generated page. */
import { writeFileSync } from 'node:fs';
import { root } from '../tidy/sources.js';
import { documents } from './documents.js';

for (const { path, render } of documents) {
  writeFileSync(root + path, render());
  console.log(`wrote ${path}`);
}
