import test from 'ava';
import { withPostgres } from '../helpers/with-postgres.js';
import { echo, embedded, planOf } from './embedding.js';

withPostgres((server) => {
  test('a coordinator is embedded on PostgreSQL, one at a time, and its successor finds what it left', async (t) => {
    const store = server.url(await server.database());
    const stock = echo('stock');
    const first = await embedded(t, { store, participants: [stock.participant] });
    const { xid, status } = await first.submit(planOf('stock'), { waitSeconds: 30 });
    t.is(status, 'committed');
    t.deepEqual(stock.calls, ['action "stock"']);
    await t.throwsAsync(embedded(t, { store }), { message: /is embedded in this process already/ });
    await first.close();
    const second = await embedded(t, { store, participants: [stock.participant] });
    t.is((await second.get(xid)).status, 'committed');
  });
});
