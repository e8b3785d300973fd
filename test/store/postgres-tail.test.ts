/** The order in which rows came, where transactions commit in another order than they began. */
import test, { type ExecutionContext } from 'ava';
import type { Store } from '../../coordinator/store/store.js';
import { plant } from '../contracts/store.js';
import type { Postgres } from '../helpers/postgres.js';
import { withPostgres } from '../helpers/with-postgres.js';
import { openStore, tempDatabase } from './postgres-disk.js';
import { sampleAppend, sampleSummary } from './sample.js';

const withSummary = (xid: string) => sampleAppend(xid, { summary: sampleSummary() });

withPostgres(
  (server) => {
    const open = async (t: ExecutionContext) => {
      const url = await tempDatabase(t, server);
      const db = server.connect(new URL(url).pathname.slice(1));
      t.teardown(() => db.destroy());
      return { store: await openStore(t, { url }), db };
    };

    test('I3 what is committed late is not passed by whoever reads on meanwhile', async (t) => {
      const { store, db } = await open(t);
      t.deepEqual(await seenAround(store, db), ['early', 'late']);
    });

    test.serial('planted tail-without-waiting: the check above sees it', async (t) => {
      plant(t, 'tail-without-waiting');
      const { store, db } = await open(t);
      t.deepEqual(await seenAround(store, db), ['late']);
    });

    test('I3 a writer whose number does not show among the locks yet is waited for', async (t) => {
      const url = await tempDatabase(t, server);
      const name = new URL(url).pathname.slice(1);
      const db = server.connect(name);
      t.teardown(() => db.destroy());
      await openStore(t, { url });
      // As for the moment between the two, which nobody can hold.
      await db.raw(`create view public.pg_locks as select * from pg_catalog.pg_locks
        where locktype <> 'transactionid' or virtualtransaction not in (
          select virtualtransaction from pg_catalog.pg_locks where relation = 'concordat.log'::regclass)`);
      await db.raw(`alter database ${name} set search_path = public, pg_catalog`);
      t.deepEqual(await seenAround(await openStore(t, { url }), db), ['early', 'late']);
    });

    test('what waits prepared, or only reads, holds up nobody who follows the log', async (t) => {
      const { store, db } = await open(t);
      const from = (await store.tail(null, 9))!.position;
      await db.raw('create table theirs (id integer)');
      await db.raw(`begin; insert into theirs values (1); prepare transaction 'p1'`);
      const reading = await db.transaction();
      await reading.raw('select * from concordat.log');
      await store.append(withSummary('a'));
      t.deepEqual(await namesAfter(store, from), ['a']);
      await reading.rollback();
      await db.raw(`rollback prepared 'p1'`);
    });

    test('H14 after a dump was read into another server new rows come after the old ones all the same', async (t) => {
      const url = await tempDatabase(t, server);
      const db = server.connect(new URL(url).pathname.slice(1));
      t.teardown(() => db.destroy());
      const before = await openStore(t, { url });
      await before.append(withSummary('old'));
      const early = (await before.tail(null, 9))!.position;
      await before.append(withSummary('older'));
      const late = (await before.tail(null, 9))!.position;
      // As that other server had numbered its transactions.
      await db.raw(`update concordat.log set born = born + 1000000000 where xid = 'older'`);
      const after = await openStore(t, { url });
      t.is(await after.tail(late, 9), null, 'who read there is told');
      t.is(await after.tail(early, 9), null, 'and so is who has not read all of it');
      const from = (await after.tail(null, 9))!.position;
      await after.append(withSummary('new'));
      t.deepEqual(await namesAfter(after, from), ['new']);
    });

    /** Reads on while one append is written and not committed, and once more when it is. */
    async function seenAround(store: Store, db: ReturnType<Postgres['connect']>): Promise<readonly string[]> {
      let from = (await store.tail(null, 9))!.position;
      const early = await db.transaction();
      await early.raw(
        `insert into concordat.log (xid, seq, append, appender, version, at, events) values ('early', 1, 'e', 'c', 1, 1, '[]')`,
      );
      await early.raw(
        `insert into concordat.transactions (xid, name, participants, status, opened_at, owner)
       values ('early', 'n', '[]', 'active', 1, 'c')`,
      );
      await store.append(withSummary('late'));
      const seen: string[] = [];
      for (const end of [undefined, () => early.commit()]) {
        await end?.();
        const tail = (await store.tail(from, 9))!;
        seen.push(...tail.changes.map(({ row }) => row.xid));
        from = tail.position;
      }
      return [...new Set(seen)].sort();
    }
  },
  { max_prepared_transactions: '5' },
);

const namesAfter = async (store: Store, position: string): Promise<readonly string[]> =>
  (await store.tail(position, 9))!.changes.map(({ row }) => row.xid);
