/** The fence's table on a real PostgreSQL, at each isolation level that a user's database may have. */
import type { ExecutionContext } from 'ava';
import { postgresFenceTable } from '../../sdk/resources/fence/postgres/table.js';
import { fenceTableContract } from '../contracts/fence.js';
import { withPostgres } from '../helpers/with-postgres.js';

withPostgres((server) => {
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
});
