/** The coordinator dies at each request of a method, before it answers, and comes back. */
import test from 'ava';
import { Coordinator } from '../chaos/coordinator.js';
import { temporary } from '../helpers/temporary.js';
import { startBank } from './bank.js';

const requests = ['open', 'the first call', 'the second call', 'commit'];

test('A2 A6 I12 a coordinator that is killed before it answers does not make a second payment', async (t) => {
  const coordinator = await Coordinator.prepare(t, await temporary(t), {});
  await coordinator.start();
  const { client, bank, effects, settled } = await startBank(t, coordinator);
  for (const [index, request] of requests.entries()) {
    await coordinator.kill('SIGTERM');
    await coordinator.start({ failpoint: `before-answer@${index + 1}` });
    const again = coordinator.diesAtFailpoint().then(() => coordinator.start());
    const xid = await client.run('checkout', async (transaction) => {
      await bank.charge({ account: `first ${request}`, amount: 10 });
      await bank.hold({ account: `second ${request}`, amount: 10 });
      return transaction.xid;
    });
    await again;
    t.is(await settled(xid), 'committed');
    t.deepEqual(await effects(`first ${request}`), ['charged'], request);
    t.deepEqual(await effects(`second ${request}`), ['held', 'taken'], request);
  }
});

test('A9 a coordinator that is killed between the calls of a method is waited for', async (t) => {
  const coordinator = await Coordinator.prepare(t, await temporary(t), {});
  await coordinator.start();
  const { client, bank, effects } = await startBank(t, coordinator);
  const restart = async (): Promise<void> => {
    await coordinator.kill('SIGKILL');
    void coordinator.start();
  };
  await client.run({ name: 'checkout', wait: 'final' }, async () => {
    await restart();
    await bank.charge({ account: 'ann', amount: 10 });
    await restart();
    await bank.hold({ account: 'bob', amount: 10 });
    await restart();
  });
  t.deepEqual([await effects('ann'), await effects('bob')], [['charged'], ['held', 'taken']]);
  const error = await t.throwsAsync<Error & { xid?: string }>(
    client.run({ name: 'checkout', wait: 'final' }, async () => {
      await bank.charge({ account: 'cid', amount: 10 });
      await restart();
      throw new Error('no');
    }),
    { message: 'no' },
  );
  t.is((await client.get(error?.xid ?? '')).status, 'rolled_back');
  t.deepEqual(await effects('cid'), ['charged', 'refunded']);
});
