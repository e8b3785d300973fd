/** The finished ones: how many there are, and a store that is full of them. */
import { withFile } from '../bench/file.js';

export const countFinished = (store: string): Promise<number> =>
  withFile(store, async (ask) => {
    const [row] = await ask(`select count(*) as count from transactions where status in ('committed', 'rolled_back')`);
    return (row as { count: number }).count;
  });

const rowsPerCommit = 20_000;

/**
 * Copies one finished transaction so many times, in a file that no coordinator has open. Copied are its rows as they are:
 * the trigger that would make the summaries is left out meanwhile, as it would take the time of a million transactions.
 */
export const fillWithFinished = (store: string, xid: string, count: number, progress: (line: string) => void) =>
  withFile(store, async (ask) => {
    const [trigger] = await ask(`select sql from sqlite_master where name = 'log_summary'`);
    await ask('pragma synchronous = off');
    await ask('drop trigger log_summary');
    const columns = async (table: string): Promise<string> => {
      const rows = (await ask('select name from pragma_table_info(?)', [table])) as readonly { name: string }[];
      return rows
        .map(({ name }) => name)
        .filter((name) => name !== 'xid')
        .join(', ');
    };
    const [ofLog, ofTransactions] = [await columns('log'), await columns('transactions')];
    for (let from = 0; from < count; from += rowsPerCommit) {
      const to = Math.min(count, from + rowsPerCommit);
      const numbers = `with recursive n (i) as (select ${from} union all select i + 1 from n where i + 1 < ${to})`;
      const name = `printf('0-full-%08d', n.i)`;
      await ask('begin');
      await ask(
        `insert into log (xid, ${ofLog}) ${numbers} select ${name}, ${ofLog} from n, (select * from log where xid = ? order by seq)`,
        [xid],
      );
      await ask(
        `insert into transactions (xid, ${ofTransactions}) ${numbers} select ${name}, ${ofTransactions} from n, (select * from transactions where xid = ?)`,
        [xid],
      );
      await ask('commit');
      if (to % 200_000 === 0) progress(`${to.toLocaleString('en-US')} finished transactions are in the store`);
    }
    await ask((trigger as { sql: string }).sql);
    await ask('pragma wal_checkpoint(truncate)');
  });
