import path from 'node:path';
import test from 'ava';
import knex from 'knex';
import { NoCoordinator, participant, saga, Uncertain } from '../../sdk/index.js';
import { signal } from '../dispatch/participants.js';
import { echo, embedded, planOf, temporary } from './embedding.js';

test('A15 close waits for what is in flight, and the next one goes on where it ended', async (t) => {
  const store = `sqlite:${path.join(await temporary(t), 'store.db')}`;
  const began = signal();
  const may = signal<string>();
  const stock = echo('stock', () => {
    began.give();
    return may.came;
  });
  const payment = echo('payment');
  const first = await embedded(t, {
    store,
    participants: [stock.participant, payment.participant],
    stopGraceMs: 10_000,
  });
  const waiting = first.submit(planOf('stock', 'payment'), { waitSeconds: 10 });
  await began.came;
  const closing = first.close();
  may.give('reserved');
  await closing;
  const { xid, status } = await waiting;
  t.is(status, 'active');
  t.deepEqual([stock.calls.length, payment.calls.length], [1, 0]);
  const second = await embedded(t, { store, participants: [stock.participant, payment.participant] });
  t.is((await second.wait(xid)).status, 'committed');
  t.deepEqual([stock.calls.length, payment.calls.length], [1, 1]);
});

test('A15 close does not wait for ever: a handler that hangs is left, and its command asked again by the next one', async (t) => {
  const store = `sqlite:${path.join(await temporary(t), 'store.db')}`;
  const began = signal();
  const hanging = echo('stock', () => {
    began.give();
    return signal<string>().came;
  });
  const first = await embedded(t, { store, participants: [hanging.participant], stopGraceMs: 20 });
  const { xid } = await first.submit(planOf('stock'));
  await began.came;
  await first.close();
  const stock = echo('stock');
  const second = await embedded(t, { store, participants: [stock.participant] });
  t.is((await second.wait(xid)).status, 'committed');
  t.deepEqual(stock.calls, ['action "stock"']);
});

test('A15 whoever waits when it closes gets the state by then, and what comes after it hears that nobody is there', async (t) => {
  const began = signal();
  const stock = echo('stock', () => {
    began.give();
    return signal<string>().came;
  });
  const client = await embedded(t, { participants: [stock.participant], stopGraceMs: 20 });
  const { xid } = await client.submit(planOf('stock'));
  await began.came;
  const waiting = client.submit({ ...planOf('stock'), xid }, { waitSeconds: 60 });
  const closing = client.close();
  t.true((await t.throwsAsync(client.commit(xid))) instanceof NoCoordinator);
  await closing;
  const ended = await waiting.catch((error: unknown) => error);
  t.true(ended instanceof NoCoordinator || (ended as { status: string }).status === 'active');
});

test('A15 I5 a call is under way when it closes: its caller does not take that for a no, and it is made once', async (t) => {
  const directory = await temporary(t);
  const store = `sqlite:${path.join(directory, 'store.db')}`;
  const filename = path.join(directory, 'pay.db');
  const db = knex({ client: 'sqlite3', connection: { filename }, useNullAsDefault: true, pool: { min: 1, max: 1 } });
  t.teardown(() => db.destroy());
  await db.schema.createTable('payments', (table) => void table.increments('id'));
  const began = signal();
  const may = signal<undefined>();
  const charge = saga({
    async action(_input: number, tx) {
      began.give();
      await may.came;
      const [id] = await tx.db('payments').insert({});
      return id ?? 0;
    },
    async compensate(_input, tx) {
      await tx.db('payments').delete();
    },
  });
  const participants = [participant({ name: 'pay', db, handlers: { charge } })];
  const first = await embedded(t, { store, participants, stopGraceMs: 10_000 });
  const calling = t.throwsAsync(first.remote<{ charge(n: number): Promise<number> }>('pay').charge(1), {
    instanceOf: Uncertain,
  });
  await began.came;
  const closing = first.close();
  may.give(undefined);
  await closing;
  const xid = (await calling)?.xid ?? '';
  const second = await embedded(t, { store, participants });
  t.is(await second.call({ participant: 'pay', handler: 'charge' }, 1, { xid }), 1);
  t.is((await db('payments')).length, 1);
});

test('A15 a handler that still runs at the end of the grace time is told by its signal', async (t) => {
  const began = signal();
  const aborted = signal();
  const stock = echo('stock', (_input, { signal: over }) => {
    began.give();
    over.addEventListener('abort', () => aborted.give());
    return aborted.came;
  });
  const client = await embedded(t, { participants: [stock.participant], stopGraceMs: 10 });
  await client.submit(planOf('stock'));
  await began.came;
  await client.close();
  await aborted.came;
  t.pass();
});

test('a participant that is no longer embedded is waited for, and costs no attempt', async (t) => {
  const store = `sqlite:${path.join(await temporary(t), 'store.db')}`;
  const began = signal();
  const stock = echo('stock', () => {
    began.give();
    return signal<string>().came;
  });
  const first = await embedded(t, { store, participants: [stock.participant], stopGraceMs: 20 });
  const { xid } = await first.submit(planOf('stock'));
  await began.came;
  await first.close();
  const without = await embedded(t, { store, participants: [echo('payment').participant], sweepMs: 10 });
  t.is((await without.wait(xid, { timeoutMs: 200 })).status, 'active');
  const attempts = (await without.get(xid)).branches[0]?.attempts;
  t.is((await without.wait(xid, { timeoutMs: 300 })).branches[0]?.attempts, attempts);
  await without.close();
  const again = await embedded(t, { store, participants: [echo('stock').participant], sweepMs: 10 });
  t.is((await again.wait(xid)).status, 'committed');
});
