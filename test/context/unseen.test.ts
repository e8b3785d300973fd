/** A call that nobody looks at, in a program that logs such failures instead of ending. */
import test from 'ava';
import { RolledBack } from '../../sdk/index.js';
import { startBank } from './bank.js';

test.serial('a call that nobody awaits is refused before the method returns: nothing is sold without it', async (t) => {
  const { client, bank, balance, settled } = await startBank(t);
  const listeners = process.rawListeners('unhandledRejection') as NodeJS.UnhandledRejectionListener[];
  process.removeAllListeners('unhandledRejection');
  const refused = new Promise<unknown>((resolve) => process.once('unhandledRejection', resolve));
  t.teardown(() => {
    for (const listener of listeners) process.on('unhandledRejection', listener);
  });
  const error = await t.throwsAsync(
    client.run('checkout', async () => {
      void bank.charge({ account: 'ann', amount: 101 });
      await bank.charge({ account: 'bob', amount: 10 });
      await refused;
    }),
    { instanceOf: RolledBack, message: /the call of bank\.charge was not awaited; Refused: ann has not enough/ },
  );
  await settled(error?.xid ?? '');
  t.deepEqual([await balance('ann'), await balance('bob')], [100, 100]);
});

test.serial('one that was looked at in any way is for its caller to judge', async (t) => {
  const { client, bank, balance } = await startBank(t);
  const much = { account: 'ann', amount: 101 };
  await client.run('checkout', async () => {
    bank.charge(much).catch(() => undefined);
    await Promise.allSettled([bank.charge(much)]);
    await Promise.any([bank.charge(much), bank.charge({ account: 'bob', amount: 10 })]);
    await t.throwsAsync(bank.charge(much));
  });
  t.is(await balance('bob'), 90);
});
