/** What each propagation level does inside a transaction and outside of one. */
import test from 'ava';
import {
  currentTransaction,
  type Propagation,
  PropagationError,
  RolledBack,
  setRollbackOnly,
  TransactionEnded,
} from '../../sdk/index.js';
import { startBank } from './bank.js';

const charge = { account: 'ann', amount: 10 };

test('which transaction a level runs in', async (t) => {
  const { client } = await startBank(t);
  const seen = (propagation: Propagation) =>
    client
      .run({ name: propagation, propagation }, async () => currentTransaction()?.xid)
      .catch((error: unknown) => (error instanceof PropagationError ? 'PropagationError' : String(error)));
  const table = async () => {
    const outer = currentTransaction()?.xid;
    const name = (xid: string | undefined) => (xid === undefined ? 'none' : xid === outer ? 'the same' : 'a new one');
    const levels: Propagation[] = ['required', 'requiresNew', 'supports', 'mandatory', 'notSupported', 'never'];
    const found: Record<string, string> = {};
    for (const level of levels) {
      const xid = await seen(level);
      found[level] = xid === 'PropagationError' ? xid : name(xid);
    }
    return found;
  };
  t.deepEqual(await table(), {
    required: 'a new one',
    requiresNew: 'a new one',
    supports: 'none',
    mandatory: 'PropagationError',
    notSupported: 'none',
    never: 'none',
  });
  t.deepEqual(await client.run('outer', table), {
    required: 'the same',
    requiresNew: 'a new one',
    supports: 'the same',
    mandatory: 'the same',
    notSupported: 'none',
    never: 'PropagationError',
  });
  t.is(currentTransaction(), undefined);
});

for (const propagation of ['required', 'supports', 'mandatory'] as const) {
  test(`E8 a ${propagation} method that joined and threw rolls back, even when its error is swallowed`, async (t) => {
    const { client, bank, balance, settled } = await startBank(t);
    const error = await t.throwsAsync(
      client.run('outer', async () => {
        await bank.charge(charge);
        const inner = client.run({ name: 'inner', propagation }, async () => {
          throw new Error('inner trouble');
        });
        await inner.catch(() => undefined);
        return 'swallowed';
      }),
      { instanceOf: RolledBack, message: /'inner' threw Error: inner trouble/ },
    );
    t.is(await settled(error?.xid ?? ''), 'rolled_back');
    t.is(await balance('ann'), 100);
  });
}

test('an error that a joined method forgives does not mark', async (t) => {
  const { client, bank, balance } = await startBank(t);
  await client.run('outer', async () => {
    await bank.charge(charge);
    const inner = client.run({ name: 'inner', noRollbackFor: [RangeError] }, async () => {
      throw new RangeError('no matter');
    });
    await inner.catch(() => undefined);
  });
  t.is(await balance('ann'), 90);
});

test('what is outside of it, or a transaction of its own, fails without it', async (t) => {
  const { client, bank, balance, settled } = await startBank(t);
  let inner = '';
  await client.run('outer', async () => {
    await bank.charge(charge);
    for (const propagation of ['requiresNew', 'notSupported'] as const) {
      const failing = client.run({ name: 'inner', propagation }, async () => {
        await bank.charge({ account: propagation, amount: 10 });
        inner = currentTransaction()?.xid ?? inner;
        throw new Error('no');
      });
      await failing.catch(() => undefined);
    }
  });
  t.is(await settled(inner), 'rolled_back');
  t.is(await balance('ann'), 90);
  t.is(await balance('requiresNew'), 100);
  // Outside of a transaction a call is one of its own, and was committed before the error.
  t.is(await balance('notSupported'), 90);
});

test('inside a handler a remote may not be called, and the work is not held up by it', async (t) => {
  const { client, bank, service, balance } = await startBank(t);
  const seen: unknown[] = [];
  service.onSlowly = async (tx) => {
    seen.push(currentTransaction()?.xid === tx.xid, currentTransaction()?.role);
    const inside = await t.throwsAsync(bank.charge(charge), { instanceOf: PropagationError });
    t.regex(inside?.message ?? '', /bank\.charge: expected code that is not at work for a branch/);
    await client.run({ name: 'aside', propagation: 'requiresNew' }, () => bank.charge({ account: 'bob', amount: 1 }));
  };
  await client.run('outer', () => bank.slowly(charge));
  t.deepEqual(seen, [true, 'branch']);
  t.deepEqual([await balance('ann'), await balance('bob')], [100, 99]);
});

test('a mark that a handler sets, and a joined method that throws in one, roll back the whole', async (t) => {
  const { client, bank, service, balance, settled } = await startBank(t);
  const works = [
    async () => void setRollbackOnly('the handler does not like it'),
    () => client.run('inside', async () => Promise.reject(new Error('no'))).catch(() => undefined),
  ];
  for (const work of works) {
    service.onSlowly = async () => void (await work());
    const error = await t.throwsAsync(
      client.run('outer', async () => {
        await bank.charge(charge);
        await bank.slowly(charge);
      }),
      { instanceOf: RolledBack },
    );
    await settled(error?.xid ?? '');
    t.is(await balance('ann'), 100);
  }
});

test('what was left running is told that its transaction has ended', async (t) => {
  const { client, bank, balance } = await startBank(t);
  let leftover: Promise<void> | undefined;
  let go = (): void => undefined;
  const wait = new Promise<void>((resolve) => {
    go = resolve;
  });
  await client.run('outer', async () => {
    leftover = wait.then(async () => {
      await t.throwsAsync(bank.charge(charge), {
        instanceOf: TransactionEnded,
        message: /^the call of bank\.charge: /,
      });
      await t.throwsAsync(async () => setRollbackOnly(), { instanceOf: TransactionEnded });
      await t.throwsAsync(
        client.run('inner', async () => 1),
        { instanceOf: TransactionEnded },
      );
      await client.run({ name: 'own', propagation: 'requiresNew' }, () => bank.charge({ account: 'bob', amount: 1 }));
    });
  });
  go();
  await leftover;
  t.deepEqual([await balance('ann'), await balance('bob')], [100, 99]);
});
