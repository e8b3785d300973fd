/** The fence's table on a real PostgreSQL, at each isolation level that a user's database may have. */
import test, { type ExecutionContext } from 'ava';
import { postgresFenceTable } from '../../sdk/resources/fence/postgres/table.js';
import { fenceTableContract } from '../contracts/fence.js';
import { type Postgres, postgresBinaries, postgresMissing, startPostgres } from '../helpers/postgres.js';

if (!postgresBinaries()) test.skip(postgresMissing, () => undefined);
else {
  let server: Postgres;
  test.before(async () => {
    server = await startPostgres();
  });
  test.after.always(() => server?.stop());
  for (const isolation of ['read committed', 'repeatable read', 'serializable']) {
    fenceTableContract(`postgres, ${isolation}`, async (t: ExecutionContext) => {
      const name = await server.database({ default_transaction_isolation: isolation });
      const connect = () => {
        const made = server.connect(name);
        t.teardown(() => made.destroy());
        return made;
      };
      const db = connect();
      await db.raw('create table effects (id serial primary key, effect text not null)');
      const table = postgresFenceTable(db, { limits: { lockWaitMs: 2000 } });
      await table.prepare();
      return { table, db, beside: connect };
    });
  }
}
