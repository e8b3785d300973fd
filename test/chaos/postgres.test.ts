/** Coordinators on PostgreSQL: killed, followed by another, side by side, and with the server killed under them. */
import test, { type ExecutionContext } from 'ava';
import { temporary } from '../helpers/temporary.js';
import { withPostgres } from '../helpers/with-postgres.js';
import { Coordinator } from './coordinator.js';
import { Customer } from './customer.js';
import { type OrderKind, orderKinds, planOf } from './orders.js';
import { startShop } from './shop.js';

withPostgres((server) => {
  const inDatabase = async () => ({ CONCORDAT_STORE: server.url(await server.database()) });
  /** Another coordinator on the same store. */
  const another = async (t: ExecutionContext, env: Readonly<Record<string, string>>) => {
    const coordinator = await Coordinator.prepare(t, await temporary(t), env, 'another');
    await coordinator.start();
    return { coordinator, customer: new Customer(t, coordinator.url) };
  };
  const kinds: readonly OrderKind[] = ['good', 'refused', 'sold out'];

  for (const failpoint of ['after-open-append', 'after-result-append', 'after-decision-append', 'after-commit@3']) {
    test.serial(`I3 A10 killed ${failpoint} on PostgreSQL, another coordinator carries it on`, async (t) => {
      const env = await inDatabase();
      const shop = await startShop(t, { env, failpoint });
      // The customer repeats itself until somebody is there.
      const ordering = Promise.all(kinds.map((kind) => shop.order(kind)));
      await shop.coordinator.diesAtFailpoint();
      const other = await another(t, env);
      await shop.coordinator.start();
      for (const [index, xid] of (await ordering).entries()) {
        const kind = kinds[index]!;
        t.is((await other.customer.ended(xid, 30_000)).status, orderKinds[kind].ends);
        t.deepEqual(await shop.effects(xid), [...orderKinds[kind].effects]);
      }
    });
  }

  test.serial('E3 two coordinators that are asked to open the same at once open it once', async (t) => {
    const env = await inDatabase();
    const shop = await startShop(t, { env });
    const { customer } = await another(t, env);
    const xids = Array.from({ length: 40 }, (_, index) => `both-${index}`);
    for (const xid of xids) {
      const body = { xid, name: 'order', steps: planOf(shop.services, 'good') };
      const answers = await Promise.all([shop.customer, customer].map((each) => each.ask('POST', '', body)));
      t.deepEqual(answers.map(({ status }) => status).sort(), [200, 201], xid);
      t.deepEqual(
        answers.map((answer) => answer.body.xid),
        [xid, xid],
      );
    }
    for (const xid of xids) {
      t.is((await customer.ended(xid, 30_000)).status, 'committed');
      t.deepEqual(await shop.effects(xid), [...orderKinds.good.effects]);
    }
  });

  test.serial(
    'I3 H1 kill -9 of PostgreSQL under orders: the same coordinator goes on, and all of them end as they must',
    async (t) => {
      const shop = await startShop(t, { env: await inDatabase() });
      const ordering = Array.from({ length: 30 }, (_, index) => shop.order(kinds[index % kinds.length]!));
      const first = await Promise.any(ordering);
      await server.crash();
      const xids = await Promise.all(ordering);
      t.true(xids.includes(first));
      await shop.settled(xids);
      for (const [index, xid] of xids.entries())
        t.deepEqual(await shop.effects(xid), [...orderKinds[kinds[index % kinds.length]!].effects]);
      t.is(await Promise.race([shop.coordinator.ending, Promise.resolve('alive')]), 'alive');
    },
  );
});
