/** The server is killed under appends, and started again on the same data. */
import test, { type ExecutionContext } from 'ava';
import type { Store } from '../../coordinator/store/store.js';
import { plant } from '../contracts/store.js';
import { withPostgres } from '../helpers/with-postgres.js';
import { openStore, tempDatabase } from './postgres-disk.js';
import { nextAppend, sampleAppend, sampleSummary, xidOf } from './sample.js';

withPostgres((server) => {
  test.serial(
    'I3 H1 kill -9 of the server under appends loses nothing that was acknowledged, and the store goes on',
    async (t) => {
      const { acknowledged, missing, torn, recovered } = await killedUnderAppends(t);
      t.log(`${acknowledged} acknowledged`);
      t.true(acknowledged > 0);
      t.deepEqual(missing, []);
      t.deepEqual(torn, [], 'a summary without its log, or a log without its summary');
      t.is(recovered, 'won');
    },
  );

  test.serial(
    'H8 planted synchronous-normal: commits that did not wait for the disk are gone after such a kill',
    async (t) => {
      plant(t, 'synchronous-normal');
      t.not((await killedUnderAppends(t)).missing.length, 0);
    },
  );

  async function killedUnderAppends(t: ExecutionContext) {
    const url = await tempDatabase(t, server);
    const store = await openStore(t, { url });
    const db = server.connect(new URL(url).pathname.slice(1));
    t.teardown(() => db.destroy());
    // What did not wait for the disk would be brought there by this one, sooner or later.
    const { rows } = await db.raw(`select pid from pg_stat_activity where backend_type = 'walwriter'`);
    process.kill(rows[0].pid, 'SIGSTOP');
    await db.raw('checkpoint');
    const acknowledged: string[] = [];
    let stopped = false;
    const appending = Array.from({ length: 20 }, async (_, worker) => {
      for (let round = 0; !stopped; round++) {
        const name = `kill-${worker}-${round}`;
        if (await isStored(store, name)) acknowledged.push(name);
        // While the server is away the store says so at once.
        else await new Promise((resolve) => setImmediate(resolve));
      }
    });
    while (acknowledged.length < 500) await new Promise((resolve) => setImmediate(resolve));
    await server.crash();
    stopped = true;
    await Promise.all(appending);
    const missing: string[] = [];
    for (const name of acknowledged)
      if ((await eventually(() => store.load(xidOf(name)))).length < 2) missing.push(name);
    const torn = await db.raw(
      'select xid from concordat.log full join concordat.transactions using (xid) where log.xid is null or transactions.xid is null',
    );
    const recovered = await eventually(() => store.append(sampleAppend('after')));
    return { acknowledged: acknowledged.length, missing, torn: torn.rows as unknown[], recovered };
  }
});

/** Whether both rows of a transaction were acknowledged. */
async function isStored(store: Store, name: string): Promise<boolean> {
  const first = sampleAppend(name, { summary: sampleSummary() });
  const answers = [first, nextAppend(first)].map((append) => () => store.append(append));
  for (const answer of answers) {
    const isWon = await answer().then(
      (said) => said === 'won',
      () => false,
    );
    if (!isWon) return false;
  }
  return true;
}

async function eventually<T>(work: () => Promise<T>): Promise<T> {
  const endsAt = performance.now() + 30_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
