/** Marks that nobody awaits: what becomes of them is told by the end of the transaction, and never by the process. */
import test from 'ava';
import { loadConfig } from '../../coordinator/config.js';
import { run } from '../../coordinator/main.js';
import { ConcordatError, connect, setRollbackOnly, TransactionEnded, Uncertain } from '../../sdk/index.js';
import { temporary } from '../helpers/temporary.js';
import { startBank } from './bank.js';

// A rejection that nobody handles fails this file, as it would end a process.

test('a mark that nobody awaits and that comes after the decision is told as such', async (t) => {
  const { client, bank, balance, settled } = await startBank(t);
  let decided = '';
  const running = client.run('checkout', async ({ xid }) => {
    decided = xid;
    await bank.charge({ account: 'ann', amount: 10 });
    await client.commit(xid);
    void setRollbackOnly('no money');
    await client.get(xid);
  });
  t.like(await t.throwsAsync(running, { instanceOf: ConcordatError }), { code: 'already_decided', xid: decided });
  t.is(await settled(decided), 'committed');
  t.is(await balance('ann'), 90);
});

test('a mark that nobody awaits and that no coordinator takes is told as Uncertain', async (t) => {
  const directory = await temporary(t);
  const flags = { listen: '127.0.0.1:0', store: `sqlite:${directory}/log.db`, logLevel: 'silent' };
  const coordinator = await run(loadConfig({ flags, env: {}, directory }));
  const client = connect({ url: coordinator.url, patienceMs: 50 });
  t.teardown(() => client.close());
  const running = client.run('checkout', async () => {
    await coordinator.stop();
    void setRollbackOnly('no money');
  });
  await t.throwsAsync(running, { instanceOf: Uncertain, message: /was to be rolled back/ });
});

test('a mark that nobody awaits and that comes after the end changes nothing', async (t) => {
  const { client } = await startBank(t);
  let late: (() => Promise<void>) | undefined;
  const xid = await client.run('checkout', async (transaction) => {
    late = () => transaction.setRollbackOnly();
    return transaction.xid;
  });
  void late?.();
  await t.throwsAsync(async () => late?.(), { instanceOf: TransactionEnded });
  t.is((await client.get(xid)).decision, 'commit');
});
