/** The transaction follows the code that runs in it. */
import { EventEmitter } from 'node:events';
import test from 'ava';
import { currentTransaction, setRollbackOnly } from '../../sdk/index.js';
import { startBank } from './bank.js';

test('through awaits, timers, callbacks and promises that others settle', async (t) => {
  const { client } = await startBank(t);
  const xid = await client.run('outer', async (transaction) => {
    const seen = [currentTransaction()?.xid];
    await null;
    seen.push(currentTransaction()?.xid);
    const arrivals = [
      (resolve: () => void) => setTimeout(resolve, 0),
      (resolve: () => void) => setImmediate(resolve),
      (resolve: () => void) => process.nextTick(resolve),
      (resolve: () => void) => queueMicrotask(resolve),
    ];
    for (const arrive of arrivals)
      await new Promise<void>((resolve) => arrive(() => resolve(void seen.push(currentTransaction()?.xid))));
    const emitter = new EventEmitter();
    emitter.on('now', () => seen.push(currentTransaction()?.xid));
    emitter.emit('now');
    for await (const each of (async function* () {
      yield currentTransaction()?.xid;
    })())
      seen.push(each);
    t.deepEqual(new Set(seen), new Set([transaction.xid]));
    t.is(seen.length, 8);
    return transaction.xid;
  });
  t.is((await client.get(xid ?? '')).status, 'committed');
});

test('each of many that run at once has its own', async (t) => {
  const { client, bank, balance } = await startBank(t);
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      client.run(`run ${index}`, async (transaction) => {
        await bank.charge({ account: `at-once-${index}`, amount: index });
        t.is(currentTransaction(), transaction);
        return transaction.xid;
      }),
    ),
  );
  t.is(new Set(ids).size, 20);
  for (let index = 0; index < 20; index++) t.is(await balance(`at-once-${index}`), 100 - index);
});

test('outside of a transaction a mark is an error at once', (t) => {
  t.throws(() => setRollbackOnly(), { message: /^setRollbackOnly: expected to be called inside a transaction/ });
});
