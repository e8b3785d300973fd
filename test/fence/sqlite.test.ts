import type { ExecutionContext } from 'ava';
import { sqliteFenceTable } from '../../sdk/resources/fence/sqlite/table.js';
import { fenceTableContract } from '../contracts/fence.js';
import { connect, fileOf, openBank } from './bank.js';

for (const handles of ['thin', 'knex'] as const) {
  fenceTableContract(`sqlite, transactions by ${handles}`, async (t: ExecutionContext) => {
    const db = await openBank(t);
    const table = sqliteFenceTable(db, { monotonic: () => 0, handles });
    await table.prepare();
    const beside = () => {
      const other = connect(fileOf(db));
      t.teardown(() => other.destroy());
      return other;
    };
    return { table, db, beside };
  });
}
