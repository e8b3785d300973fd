import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openDatabase } from '../../participants/database.js';
import { Coordinator } from './coordinator.js';
import { readLog } from './log.js';
import { type OrderKind, orderKinds } from './orders.js';
import { eventually } from './program.js';
import { type Shop, startShop } from './shop.js';

const env = { CONCORDAT_LEASE_MS: '500' };

/** Not in the middle of a write: its lock on the file would stand still with it, and nobody could go on. */
async function pause(coordinator: Coordinator): Promise<void> {
  const db = openDatabase(coordinator.db);
  try {
    await eventually('the coordinator to stand still without a lock', async () => {
      coordinator.signal('SIGSTOP');
      const free = await db
        .transaction((trx) => trx('leases').where({ id: '' }).delete())
        .then(
          () => true,
          () => undefined,
        );
      if (!free) coordinator.signal('SIGCONT');
      return free;
    });
  } finally {
    await db.destroy();
  }
}

/** Stops the coordinator with SIGSTOP while a charge is in flight, and lets another one on the same store finish. */
async function overtaken(
  t: ExecutionContext,
  kind: OrderKind,
): Promise<{ shop: Shop; xid: string; other: Coordinator }> {
  const shop = await startShop(t, { env });
  const held = shop.services.payment.hold('before-work');
  const xid = await shop.order(kind);
  await held.arrived;
  await pause(shop.coordinator);
  const other = await Coordinator.prepare(t, path.dirname(shop.coordinator.db), env, 'other');
  await other.start();
  held.release();
  await eventually(`${xid} to end without its first owner`, async () =>
    (await readLog(shop.coordinator.db)).states.get(xid)?.ended ? true : undefined,
  );
  return { shop, xid, other };
}

for (const kind of ['good', 'sold out'] as const) {
  test(`G1 A16 I2 I11 a paused owner of an order (${kind}) that wakes after another finished it changes nothing`, async (t) => {
    const { shop, xid, other } = await overtaken(t, kind);
    const before = (await readLog(shop.coordinator.db)).states.get(xid);
    shop.coordinator.signal('SIGCONT');
    t.is((await shop.settled([xid]))[0]?.status, orderKinds[kind].ends);
    // It works on: with a new lease, on new orders.
    const next = await shop.order('good');
    await shop.settled([next]);
    t.is((await readLog(shop.coordinator.db)).states.get(xid)?.append, before?.append);
    t.deepEqual(await shop.effects(xid), [...orderKinds[kind].effects]);
    t.deepEqual(await shop.audit(), []);
    t.is(await other.kill('SIGTERM'), 0);
  });
}
