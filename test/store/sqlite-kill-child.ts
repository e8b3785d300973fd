/** Appends for ever, in groups with and without summaries, and says which were stored. Ends by a failpoint. */
import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import { chance, sampleAppend, sampleSummary } from './sample.js';

const store = await openSqliteStore({ path: process.argv[2] ?? '', chance });

for (let round = 0; ; round++) {
  const names = Array.from({ length: 5 }, (_, index) => `kill-${round}-${index}`);
  const summary = round % 2 === 0 ? sampleSummary() : null;
  await Promise.all(
    names.map(async (name) => {
      if ((await store.append(sampleAppend(name, { summary }))) === 'won') writeSync(1, `${name}\n`);
    }),
  );
}
