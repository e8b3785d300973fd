/** How a method ends, and what that does to the money. */
import test from 'ava';
import { ConcordatError, NoCoordinator, Refused, RolledBack, setRollbackOnly, Uncertain } from '../../sdk/index.js';
import { type Receipt, startBank } from './bank.js';

const charge = { account: 'ann', amount: 10 };

test('I1 a method that returns has committed all of its calls', async (t) => {
  const { client, bank, balance } = await startBank(t);
  const answer = await client.run('checkout', async () => {
    const { id }: Receipt = await bank.charge(charge);
    await bank.hold({ account: 'bob', amount: 5 });
    return id;
  });
  t.is(answer, 1);
  t.deepEqual([await balance('ann'), await balance('bob')], [90, 95]);
});

test('I1 an error that leaves rolls back and is thrown on with the xid, once that is decided', async (t) => {
  const { client, bank, balance, effects, settled } = await startBank(t);
  const lost = new Error('the cart is lost');
  const error = await t.throwsAsync<Error & { xid?: string }>(
    client.run('checkout', async () => {
      await bank.charge(charge);
      await bank.hold({ account: 'bob', amount: 5 });
      throw lost;
    }),
  );
  t.is(error, lost);
  t.deepEqual(Object.keys(lost), []);
  const xid = error?.xid ?? '';
  t.like(await client.get(xid), { decision: 'rollback', reason: 'Error: the cart is lost' });
  t.is(await settled(xid), 'rolled_back');
  t.deepEqual(await effects('ann'), ['charged', 'refunded']);
  t.deepEqual([await balance('ann'), await balance('bob')], [100, 100]);
});

test('with wait: final nothing is under way any more when the method is over', async (t) => {
  const { client, bank, effects } = await startBank(t);
  const options = { name: 'checkout', wait: 'final' } as const;
  await client.run(options, () => bank.hold(charge));
  t.deepEqual(await effects('ann'), ['held', 'taken']);
  const failing = client.run(options, async () => {
    await bank.hold({ account: 'bob', amount: 5 });
    throw new Error('no');
  });
  await t.throwsAsync(failing, { message: 'no' });
  t.deepEqual(await effects('bob'), ['held', 'released']);
});

test('a refusal is thrown at the caller with its code; caught, it does not roll back', async (t) => {
  const { client, bank, balance } = await startBank(t);
  const paidBy = await client.run('checkout', async () => {
    const refused = await t.throwsAsync(bank.charge({ account: 'ann', amount: 101 }), { instanceOf: Refused });
    t.like(refused, { message: 'ann has not enough', code: 'insufficient_funds' });
    await bank.charge({ account: 'bob', amount: 101 }).catch(() => undefined);
    await bank.charge({ account: 'cid', amount: 100 });
    return 'cid';
  });
  t.is(paidBy, 'cid');
  t.deepEqual([await balance('ann'), await balance('bob'), await balance('cid')], [100, 100, 0]);
});

test('a refusal that leaves rolls back what was done before', async (t) => {
  const { client, bank, balance, settled } = await startBank(t);
  const refused = await t.throwsAsync<Refused & { xid?: string }>(
    client.run('checkout', async () => {
      await bank.charge(charge);
      await bank.charge({ account: 'bob', amount: 101 });
    }),
    { instanceOf: Refused },
  );
  t.is(await settled(refused?.xid ?? ''), 'rolled_back');
  t.is(await balance('ann'), 100);
});

test('a branch without an outcome is told as such, and rolls back whoever swallows it', async (t) => {
  const { client, bank, balance, settled } = await startBank(t);
  const impatient = client.remote<{ broken(input: unknown): Promise<unknown> }>('bank', { retry: { attemptsMax: 1 } });
  const error = await t.throwsAsync(
    client.run('checkout', async () => {
      await bank.charge(charge);
      const uncertain = await t.throwsAsync(impatient.broken(charge), { instanceOf: Uncertain });
      t.regex(uncertain?.branch ?? '', /^broken-[0-9a-f]+$/);
      return 'swallowed';
    }),
    { instanceOf: RolledBack },
  );
  t.is(await settled(error?.xid ?? ''), 'rolled_back');
  t.is(await balance('ann'), 100);
});

test('F1 the deadline turns the end into RolledBack, never into a return', async (t) => {
  const { client, bank, balance, settled } = await startBank(t);
  const late = await t.throwsAsync(
    client.run({ name: 'checkout', timeoutMs: 100 }, async ({ xid }) => {
      await bank.charge(charge);
      t.is(await settled(xid), 'rolled_back');
      return 'too late';
    }),
    { instanceOf: RolledBack },
  );
  t.like(late, { reason: 'the deadline passed', transaction: { decision: 'rollback', name: 'checkout' } });
  t.is(await balance('ann'), 100);
});

test('D6 D11 a call that comes after the rollback is told RolledBack, a repeat of one that was undone too', async (t) => {
  const { client, balance, settled } = await startBank(t);
  const target = { participant: 'bank', handler: 'charge' };
  await t.throwsAsync(
    client.run({ name: 'checkout', timeoutMs: 100 }, async ({ xid }) => {
      await client.call(target, charge, { id: 'payment' });
      await settled(xid);
      await t.throwsAsync(client.call(target, charge, { id: 'payment' }), { instanceOf: RolledBack });
      await t.throwsAsync(client.call(target, charge), { instanceOf: RolledBack });
    }),
    { instanceOf: RolledBack },
  );
  t.is(await balance('ann'), 100);
});

test('I12 a call that is repeated by hand under its id is made once', async (t) => {
  const { client, balance } = await startBank(t);
  const target = { participant: 'bank', handler: 'charge' };
  await client.run('checkout', async () => {
    const first = await client.call<Receipt>(target, charge, { id: 'payment' });
    t.deepEqual(await client.call<Receipt>(target, charge, { id: 'payment' }), first);
    const other = client.call(target, { ...charge, amount: 20 }, { id: 'payment' });
    t.like(await t.throwsAsync(other, { instanceOf: ConcordatError }), { code: 'branch_conflict' });
  });
  t.is(await balance('ann'), 90);
});

test('a mark turns a return into RolledBack, however deep it was set', async (t) => {
  const { client, bank, balance, settled } = await startBank(t);
  const deep = async (): Promise<void> => {
    await Promise.resolve();
    void setRollbackOnly('not today');
  };
  const error = await t.throwsAsync(
    client.run('checkout', async () => {
      await bank.charge(charge);
      await deep();
      return 'done';
    }),
    { instanceOf: RolledBack, message: /not today/ },
  );
  t.is(await settled(error?.xid ?? ''), 'rolled_back');
  t.is(await balance('ann'), 100);
});

test('a mark that somebody else sets turns a return into RolledBack', async (t) => {
  const { client, bank, balance, settled } = await startBank(t);
  const error = await t.throwsAsync(
    client.run('checkout', async ({ xid }) => {
      await bank.charge(charge);
      await client.rollbackOnly(xid, 'the shop is closed');
    }),
    { instanceOf: RolledBack, message: /the shop is closed/ },
  );
  await settled(error?.xid ?? '');
  t.is(await balance('ann'), 100);
});

test('E7 when it is cancelled while it completes, one wins and the method tells which', async (t) => {
  const { client, bank, balance, settled } = await startBank(t);
  const ends = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) =>
      client.run(`checkout ${index}`, async ({ xid }) => {
        await bank.charge({ account: `e7-${index}`, amount: 10 });
        void client.rollback(xid).catch(() => undefined);
        return xid;
      }),
    ),
  );
  for (const [index, end] of ends.entries()) {
    if (end.status === 'rejected') t.true(end.reason instanceof RolledBack);
    const xid = end.status === 'fulfilled' ? end.value : end.reason.xid;
    t.is(await settled(xid), end.status === 'fulfilled' ? 'committed' : 'rolled_back');
    t.is(await balance(`e7-${index}`), end.status === 'fulfilled' ? 90 : 100);
  }
});

class OutOfTea extends Error {}
class OutOfAll extends OutOfTea {}

test('an error of noRollbackFor commits and is thrown on; the class nearest to it wins', async (t) => {
  const { client, bank, balance, settled } = await startBank(t);
  const options = { name: 'checkout', noRollbackFor: [OutOfTea], rollbackFor: [OutOfAll] };
  const throwing = (error: Error) =>
    t.throwsAsync<Error & { xid?: string }>(
      client.run(options, async () => {
        await bank.charge(charge);
        throw error;
      }),
    );
  t.is(await settled((await throwing(new OutOfTea()))?.xid ?? ''), 'committed');
  t.is(await settled((await throwing(new OutOfAll()))?.xid ?? ''), 'rolled_back');
  t.is(await settled((await throwing(new Error()))?.xid ?? ''), 'rolled_back');
  t.is(await balance('ann'), 90);
});

test('a forgiven error of a transaction that was rolled back is RolledBack, and the error its cause', async (t) => {
  const { client, balance, bank } = await startBank(t);
  const forgiven = new OutOfTea('no tea');
  const error = await t.throwsAsync(
    client.run({ name: 'checkout', noRollbackFor: [OutOfTea], wait: 'final' }, async () => {
      await bank.charge(charge);
      void setRollbackOnly();
      throw forgiven;
    }),
    { instanceOf: RolledBack },
  );
  t.is(error?.cause, forgiven);
  t.is(await balance('ann'), 100);
});

test('a call that nobody awaited is waited for before the commit', async (t) => {
  const { client, bank, service, balance } = await startBank(t);
  service.onSlowly = async () => void (await new Promise((resolve) => setImmediate(resolve)));
  await client.run('checkout', async () => {
    void bank.slowly(charge);
    void bank.charge(charge);
  });
  t.is(await balance('ann'), 90);
});

test('a call that nobody awaited and that was refused rolls back: nobody can have looked at it', async (t) => {
  const { client, bank, balance, settled } = await startBank(t);
  const error = await t.throwsAsync(
    client.run('checkout', async () => {
      await bank.charge(charge);
      void bank.charge({ account: 'bob', amount: 101 });
    }),
    { instanceOf: RolledBack, message: /bank\.charge was not awaited; Refused: bob has not enough/ },
  );
  t.is(await settled(error?.xid ?? ''), 'rolled_back');
  t.is(await balance('ann'), 100);
});

test('what is no object is thrown on as it is, and rolls back', async (t) => {
  const { client, bank, balance } = await startBank(t);
  const thrown = await client
    .run({ name: 'checkout', wait: 'final' }, async () => {
      await bank.charge(charge);
      throw 'a text';
    })
    .catch((error: unknown) => error);
  t.is(thrown, 'a text');
  t.is(await balance('ann'), 100);
});

test('the arguments of a call are those that it was made with, whatever becomes of them', async (t) => {
  const { client, bank, balance } = await startBank(t);
  const mine = { account: 'ann', amount: 10 };
  await client.run('checkout', async () => {
    const called = bank.charge(mine);
    mine.amount = 99;
    await called;
  });
  t.is(await balance('ann'), 90);
  t.deepEqual(mine, { account: 'ann', amount: 99 });
});

test('C8 an asked initiator decides at the deadline: rolled back when it says so', async (t) => {
  const { client, bank, service, balance, settled } = await startBank(t);
  service.answer = 'rollback';
  const check = { participant: 'bank', handler: 'ended' };
  const error = await t.throwsAsync(
    client.run({ name: 'checkout', timeoutMs: 1000, onTimeout: 'ask', check }, async ({ xid }) => {
      await bank.charge(charge);
      await settled(xid);
    }),
    { instanceOf: RolledBack },
  );
  await settled(error?.xid ?? '');
  t.is(await balance('ann'), 100);
});

test('an asked initiator whose own work is committed keeps the transaction, and the method is told', async (t) => {
  const { client, bank, service, balance, settled } = await startBank(t);
  service.answer = 'commit';
  const check = { participant: 'bank', handler: 'ended' };
  const mine = new Error('after my own commit');
  const error = await t.throwsAsync<ConcordatError & { xid?: string }>(
    client.run({ name: 'checkout', onTimeout: 'ask', check }, async () => {
      await bank.charge(charge);
      throw mine;
    }),
    { instanceOf: ConcordatError },
  );
  t.like(error, { code: 'already_decided', cause: mine });
  t.is(await settled(error?.xid ?? ''), 'committed');
  t.is(await balance('ann'), 90);
});

test('without a coordinator nothing is begun', async (t) => {
  const { connect } = await import('../../sdk/index.js');
  const client = connect({ url: 'http://127.0.0.1:1', patienceMs: 50 });
  t.teardown(() => client.close());
  let begun = false;
  const running = client.run('checkout', async () => {
    begun = true;
  });
  await t.throwsAsync(running, { instanceOf: NoCoordinator });
  t.false(begun);
});

test('options that cannot be are told at once', async (t) => {
  const { client } = await startBank(t);
  await t.throwsAsync(
    client.run({ name: 'a', propagation: 'sometimes' as never }, async () => 1),
    {
      message: /^propagation: expected one of required, .*, got "sometimes"$/,
    },
  );
  await t.throwsAsync(
    client.run({ name: 'a', wait: 'ever' as never }, async () => 1),
    { message: /^wait: expected/ },
  );
});

const work = async (): Promise<number> => 1;
const mistakes: readonly [string, readonly unknown[], RegExp][] = [
  [
    'an option that there is not',
    [{ name: 'a', timeoutMS: 1 }, work],
    /^run: expected no options but .*, got "timeoutMS"$/,
  ],
  [
    'a text for a class',
    [{ name: 'a', noRollbackFor: ['Error'] }, work],
    /^noRollbackFor: .*\[RangeError\], got "Error"$/,
  ],
  [
    'a class without a list',
    [{ name: 'a', rollbackFor: Error }, work],
    /^rollbackFor: expected a list .* got a function$/,
  ],
  ['a function that is no class', [{ name: 'a', noRollbackFor: [() => Error] }, work], /^noRollbackFor: .*a function$/],
  ['no code', ['a'], /^run 'a': expected the code of the transaction, a function; got undefined$/],
  ['no name', [work], /^run: expected options as an object, .*; got a function$/],
  ['options without a name', [{}, work], /^run: expected the name of the transaction, got none$/],
  ['nothing', [], /^run: expected options as an object, .*; got undefined$/],
];

test('a mistake in the arguments is told before anything is opened', async (t) => {
  const { client } = await startBank(t);
  const untyped = client.run as (...given: readonly unknown[]) => Promise<unknown>;
  for (const [what, given, message] of mistakes)
    await t.throwsAsync(untyped(...given), { instanceOf: TypeError, message }, what);
  t.deepEqual((await client.list()).items, []);
});
