/** The effects of a fenced service, read from its database. */
import { withFile } from './file.js';
import type { Tally } from './work.js';

/** Counts what came into the file since it was asked last: how many transactions have which word. */
export function effectsIn(file: string): () => Promise<Tally> {
  let seen = 0;
  return () =>
    withFile(file, async (ask) => {
      const [newest] = (await ask('select coalesce(max(id), 0) as id from effects')) as readonly { id: number }[];
      const rows = (await ask(
        `select word, count(*) as count from (
          select group_concat(letter, '' order by id) as word from effects where id > ? group by xid
        ) group by word`,
        [seen],
      )) as readonly { word: string; count: number }[];
      seen = newest?.id ?? seen;
      return Object.fromEntries(rows.map(({ word, count }) => [word, count]));
    });
}
