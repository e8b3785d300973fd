/** A transaction belongs to one coordinator: what another one is asked of within it is told so. */
import test from 'ava';
import { ConcordatError, connect, currentTransaction, PropagationError } from '../../sdk/index.js';
import { echo, embedded } from '../embed/embedding.js';
import { startBank } from './bank.js';

interface Echo {
  run(input: string): Promise<string>;
}

test('another embedded coordinator neither joins nor is called, and opens its own where it is told to', async (t) => {
  const [ours, theirs] = [echo('ours'), echo('theirs')];
  const one = await embedded(t, { participants: [ours.participant] });
  const other = await embedded(t, { participants: [theirs.participant] });
  const { run } = other.remote<Echo>('theirs');
  const elsewhere = { instanceOf: PropagationError, message: /another one that is embedded .*'requiresNew'/ };
  await one.run('outer', async ({ xid }) => {
    await one.remote<Echo>('ours').run('in');
    await t.throwsAsync(run('in'), elsewhere);
    for (const propagation of ['required', 'supports', 'mandatory'] as const)
      await t.throwsAsync(
        other.run({ name: 'inner', propagation }, async () => 1),
        elsewhere,
      );
    await one.run('joined', async () => t.is(currentTransaction()?.xid, xid));
    await other.run({ name: 'own', propagation: 'requiresNew' }, () => run('own'));
  });
  t.deepEqual([ours.calls, theirs.calls], [['action "in"'], ['action "own"']]);
});

test('a client of another coordinator elsewhere is told why its call found no transaction', async (t) => {
  const [here, there] = [await startBank(t), await startBank(t)];
  await here.client.run('outer', async () => {
    await here.bank.charge({ account: 'ann', amount: 10 });
    const lost = there.bank.charge({ account: 'ann', amount: 10 });
    const error = await t.throwsAsync(lost, {
      instanceOf: ConcordatError,
      message: /opened by a client of another coordinator\? .*'requiresNew'/,
    });
    t.like(error, { code: 'transaction_not_found' });
  });
  t.deepEqual([await here.balance('ann'), await there.balance('ann')], [90, 100]);
});

test('two clients of one coordinator work for one transaction', async (t) => {
  const { client, url, balance } = await startBank(t);
  const second = connect({ url });
  t.teardown(() => second.close());
  await client.run('outer', ({ xid }) =>
    second.run('inner', async () => {
      t.is(currentTransaction()?.xid, xid);
      await second.call({ participant: 'bank', handler: 'charge' }, { account: 'ann', amount: 10 });
    }),
  );
  t.is(await balance('ann'), 90);
});
