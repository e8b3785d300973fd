/** What a handler may do wrong on its connection, and what is kept of it then. */
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import type { Branch } from '../../sdk/participant/branch.js';
import { Refused } from '../../sdk/protocol/answers.js';
import { manualClock } from '../helpers/clock.js';
import { effect, effects, gate, handlerOf, openBank, rows, startBank, type Teardown, word } from './bank.js';

const attempts = 30;

/** A saga whose forward op does that. */
const forward = (work: (tx: Branch, input: unknown) => Promise<unknown>) => ({
  saga: handlerOf('saga', { forward: (input, tx) => work(tx, input) }),
});

/** Asks for two statements at once, of which the first makes the database roll back by itself. */
async function together(t: Teardown, failing: (tx: Branch) => PromiseLike<unknown>) {
  const bank = await startBank(
    t,
    forward((tx) => {
      // A query of knex is sent when somebody asks for its end.
      const first = failing(tx).then();
      return Promise.all([first, effect(tx, 'charged')]);
    }),
  );
  await bank.db('effects').insert({ id: 1, effect: 'first' });
  return bank;
}

test('I6 H2 of two statements that were asked for at once, none is committed alone when the first rolls back all', async (t) => {
  const { db, send } = await together(t, (tx) =>
    tx.db.raw(`insert or rollback into effects (id, effect) values (1, 'same')`),
  );
  for (let attempt = 1; attempt <= attempts; attempt++) await t.throwsAsync(send('action', { attempt }));
  t.is(word(await send('compensate', { forward: 'unknown' })), 'done');
  t.deepEqual(await effects(db), ['first']);
});

test('I6 H2 nor when the disk is full, and the statements that waited are told why', async (t) => {
  const said: string[] = [];
  const { db, send } = await together(t, (tx) => {
    const big = tx
      .db('big')
      .insert({ text: 'x'.repeat(400_000) })
      .then();
    const waiting = effect(tx, 'waited').catch((error: Error) => said.push(error.message));
    return Promise.all([big, waiting]);
  });
  await db.raw('create table big (text text)');
  const [{ page_count: pages }] = await db.raw('pragma page_count');
  await db.raw(`pragma max_page_count = ${pages + 20}`);
  for (let i = 0; i < attempts; i++) await t.throwsAsync(send('action', { xid: `x${i}` }));
  t.deepEqual([await effects(db), await rows(db)], [['first'], []]);
  t.is(said.length, attempts);
  for (const each of said) t.regex(each, /the database rolled the transaction back: SQLITE_FULL/);
});

test('statements that were asked for at once run in their order, and all belong to the work', async (t) => {
  const { db, send } = await startBank(
    t,
    forward((tx) => Promise.all(['a', 'b', 'c', 'd'].map((each) => effect(tx, each)))),
  );
  t.is(word(await send('action')), 'done');
  t.deepEqual(await effects(db), ['a x1.1', 'b x1.1', 'c x1.1', 'd x1.1']);
});

test('I1 a transaction within tx.db that is not over when the handler returns is not kept by half', async (t) => {
  const { db, send } = await startBank(t, {
    ...forward(async (tx) => {
      const left = tx.db.transaction(async (inner) => {
        await effect({ ...tx, xid: tx.xid, branch: tx.branch, db: inner } as Branch, 'debit');
        await effect({ ...tx, xid: tx.xid, branch: tx.branch, db: inner } as Branch, 'credit');
      });
      left.catch(() => undefined);
      await effect(tx, 'beside');
    }),
    held: handlerOf('saga', {
      forward: async (_input, tx) => {
        const inner = await tx.db.transaction();
        await inner('effects').insert({ effect: 'held' });
      },
    }),
  });
  const said = await Promise.allSettled([
    send('action'),
    send('action', { xid: 'x2' }),
    send('action', { xid: 'x3', handler: 'held' }),
  ]);
  for (const each of said)
    t.regex(
      String((each as { reason?: unknown }).reason),
      /returned before a transaction .* was committed.*; await it, or end it, before returning$/,
    );
  t.deepEqual([await effects(db), await rows(db)], [[], []]);
});

test('a transaction within tx.db that the handler rolls back is over without an error, unless it was begun to have one', async (t) => {
  const said: unknown[] = [];
  const { db, send } = await startBank(
    t,
    forward(async (tx) => {
      const gone = () => ({ effect: 'gone' });
      await tx.db.transaction(async (inner) => {
        await inner('effects').insert(gone());
        await inner.rollback();
      });
      const held = await tx.db.transaction();
      await held('effects').insert(gone());
      await held.rollback();
      said.push(await held.executionPromise);
      const strict = await tx.db.transaction({ doNotRejectOnRollback: false });
      const over = strict.executionPromise.catch((error: Error) => said.push(error.message));
      await strict('effects').insert(gone());
      await Promise.allSettled([strict.rollback(), over]);
      await effect(tx, 'kept');
    }),
  );
  t.is(word(await send('action')), 'done');
  t.deepEqual(said, [undefined, 'Transaction rejected with non-error: undefined']);
  t.deepEqual(await effects(db), ['kept x1.1']);
});

test('C1 H4 one that breaks a deferred foreign key fails alone, whoever shares its commit', async (t) => {
  const { db, send } = await startBank(
    t,
    forward(async (tx, input) => {
      await effect(tx, 'do');
      if (input === 'bad') await tx.db('children').insert({ parent: 99 });
    }),
  );
  await db.raw('pragma foreign_keys = on');
  await db.raw('create table parents (id integer primary key)');
  await db.raw('create table children (parent integer references parents (id) deferrable initially deferred)');
  const xids = Array.from({ length: 20 }, (_, index) => `x${index}`);
  const settled = await Promise.allSettled(
    xids.map((xid, index) => send('action', { xid, input: index === 7 ? 'bad' : 'good' })),
  );
  t.deepEqual(
    settled.flatMap(({ status }, index) => (status === 'rejected' ? index : [])),
    [7],
  );
  t.deepEqual(
    (await effects(db)).toSorted(),
    xids
      .toSpliced(7, 1)
      .map((xid) => `do ${xid}.1`)
      .toSorted(),
  );
  t.is((await rows(db)).length, 19);
});

test('C1 D3 a handler that was given up and still runs keeps its branch: neither a repeat nor an undo runs beside it', async (t) => {
  const clock = manualClock();
  const [arrived, held] = [gate(), gate()];
  let begun = 0;
  const { db, send } = await startBank(
    t,
    forward(async (tx) => {
      if (++begun > 1) return;
      arrived.open();
      await held.opened;
      await effect(tx, 'late');
    }),
    { clock },
  );
  const first = send('action', { expiresAt: clock.now() + 50 });
  await arrived.opened;
  clock.advance(50);
  await t.throwsAsync(first, { message: /time was over/ });
  t.is(word(await send('action', { attempt: 2 })), 'running');
  t.is(word(await send('compensate', { forward: 'unknown' })), 'running');
  held.open();
  await turn();
  t.is(word(await send('compensate', { forward: 'unknown' })), 'done');
  t.is(begun, 1);
  t.deepEqual(await effects(db), []);
  t.is((await rows(db)).length, 2);
});

test('C1 D3 one that was given up twice, as its group was worked again, keeps its branch until both have ended', async (t) => {
  const clock = manualClock();
  const begunAt = clock.now();
  const [arrived, held] = [
    [gate(), gate()],
    [gate(), gate()],
  ];
  let runs = 0;
  const { db, send } = await startBank(
    t,
    forward(async (tx, input) => {
      if (input === 'hang') {
        const run = runs++;
        arrived[run]?.open();
        await held[run]?.opened;
        return;
      }
      await effect(tx, 'do');
      if (input === 'refuse') throw new Refused('no');
    }),
    // No time passes for the group, and the clock on the wall goes back.
    { clock: { ...clock, monotonic: () => 0 } },
  );
  const sent = Promise.allSettled([
    send('action', { xid: 'a' }),
    send('action', { xid: 'b', input: 'hang', expiresAt: begunAt + 50 }),
    send('action', { xid: 'c', input: 'refuse' }),
  ]);
  for (const { opened } of arrived) {
    await opened;
    clock.advance(50);
    clock.set(begunAt);
  }
  const [a, b, c] = await sent;
  t.deepEqual([a.status, b.status, c.status], ['fulfilled', 'rejected', 'fulfilled']);
  t.regex(String((b as PromiseRejectedResult).reason), /time was over/);
  const again = () => send('action', { xid: 'b', input: 'hang' }).then(word);
  t.is(await again(), 'running');
  held[1]?.open();
  await turn();
  t.is(await again(), 'running');
  held[0]?.open();
  await turn();
  t.is(await again(), 'done');
  t.is(runs, 3);
  t.deepEqual(await effects(db), ['do a.1']);
});

test('B6 what a handler asks of its own knex is outside of the fence, and the error says that it may take effect', async (t) => {
  const clock = manualClock();
  const asked = gate();
  const db = await openBank(t);
  const { send } = await startBank(
    t,
    forward(async (tx) => {
      await effect(tx, 'fenced');
      const own = db('effects').insert({ effect: 'own' }).then();
      asked.open();
      await own;
    }),
    { clock, db },
  );
  const sent = send('action', { expiresAt: clock.now() + 50 });
  await asked.opened;
  clock.advance(50);
  await t.throwsAsync(sent, {
    message: /work through tx\.db was taken back.*in another way is not: it may still take/,
  });
  t.deepEqual([await effects(db), await rows(db)], [['own'], []]);
});
