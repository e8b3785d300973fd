/** Several processes on one PostgreSQL: what they do at once, and what becomes of it when the server fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { postgresFenceTable } from '../../sdk/resources/fence/postgres/table.js';
import type { FenceEnd, Place } from '../../sdk/resources/fence/table.js';
import { withPostgres } from '../helpers/with-postgres.js';
import { type Bank, effect, effects, gate, handlerOf, rows, type Sent, word } from './bank.js';
import { openBanks, startProxy } from './postgres-bank.js';

const isolations = ['read committed', 'repeatable read', 'serializable'];

/** Asks until it is told something else than to ask again. */
async function settled(bank: Bank, op: Parameters<Bank['send']>[0], sent?: Sent): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const said = word(await bank.send(op, sent));
    if (said !== 'running') return said;
    if (attempt === 200) throw new Error('expected it to be over by now');
    await sleep(10);
  }
}

withPostgres((server) => {
  for (const isolation of isolations) {
    const settings = { default_transaction_isolation: isolation, deadlock_timeout: '50ms' };

    test(`D3 ${isolation}: a cancel waits for a try that runs elsewhere, and then undoes it`, async (t) => {
      const { db, bank } = await openBanks(t, server, settings);
      const [begun, go] = [gate(), gate()];
      const slow = handlerOf('tcc', {
        forward: async (_input, tx) => {
          begun.open();
          await go.opened;
          await effect(tx, 'do');
        },
      });
      const [one, two] = [await bank({ tcc: slow }), await bank()];
      const trying = one.send('try');
      await begun.opened;
      t.is(word(await two.send('cancel')), 'running', 'its wait has a bound');
      const cancelling = settled(two, 'cancel');
      go.open();
      t.is(word(await trying), 'done');
      t.is(await cancelling, 'done');
      t.deepEqual(await effects(db), ['do x1.1', 'undo x1.1']);
    });

    test(`D3 ${isolation}: of a try and a cancel at once comes one of two things, never half`, async (t) => {
      const { db, bank } = await openBanks(t, server, settings);
      const [one, two] = [await bank(), await bank()];
      for (let round = 0; round < 20; round++) {
        const xid = `x${round}`;
        const pause = () => sleep(Math.random() * 4);
        const [tried, cancelled] = await Promise.all([
          pause().then(() => settled(one, 'try', { xid })),
          pause().then(() => settled(two, 'cancel', { xid })),
        ]);
        t.is(cancelled, 'done');
        const found = await db('effects').where('effect', 'like', `% ${xid}.1`).orderBy('id').pluck('effect');
        const expected = tried === 'done' ? [`do ${xid}.1`, `undo ${xid}.1`] : [];
        t.deepEqual(found, expected, tried);
        if (tried !== 'done') t.is(tried, 'refused suppressed');
      }
    });

    test(`D3 ${isolation}: a confirm that waited for the try knows of it`, async (t) => {
      const { name, db, bank } = await openBanks(t, server, settings);
      const [begun, go] = [gate(), gate()];
      const slow = handlerOf('tcc', {
        forward: async (_input, tx) => {
          begun.open();
          await go.opened;
          await effect(tx, 'do');
        },
      });
      const [one, two] = [await bank({ tcc: slow }), await bank()];
      const trying = one.send('try');
      await begun.opened;
      const confirming = settled(two, 'confirm');
      const waiting = () => db('pg_stat_activity').where({ datname: name, wait_event: 'advisory' }).pluck('pid');
      while ((await waiting()).length === 0) await sleep(1);
      go.open();
      t.deepEqual([word(await trying), await confirming], ['done', 'done']);
      t.deepEqual(await effects(db), ['do x1.1', 'confirm x1.1']);
    });

    test(`D3 ${isolation}: an external try that comes back after its cancel is not taken for done`, async (t) => {
      const { bank } = await openBanks(t, server, settings);
      const [begun, go] = [gate(), gate()];
      const outside = { fence: 'external', runMs: 1 } as const;
      const slow = async () => {
        begun.open();
        await go.opened;
      };
      const works = { forward: slow, rollback: async () => undefined };
      const [one, two] = [
        await bank({ tcc: handlerOf('tcc', works, outside) }),
        await bank({ tcc: handlerOf('tcc', works, outside) }),
      ];
      const trying = one.send('try');
      await begun.opened;
      await sleep(5);
      t.is(await settled(two, 'cancel'), 'done');
      go.open();
      await t.throwsAsync(trying, { message: /its branch went on without it/ });
      t.is(await settled(one, 'try'), 'refused suppressed');
    });

    test(`D3 ${isolation}: whoever waited for another visit of the branch finds what that one left`, async (t) => {
      const { name, db, connect } = await openBanks(t, server, settings);
      const limits = { lockWaitMs: 20_000 };
      const [one, two] = [postgresFenceTable(connect(), { limits }), postgresFenceTable(connect(), { limits })];
      await one.prepare();
      const end = <T>(answer: T, set: FenceEnd<T>['set'] = []) => ({ answer, undo: false, release: false, set });
      const place = (rows: Place['rows']): Place => ({ key: { origin: 'o', xid: 'x1', branch: 1 }, at: 1, rows });
      const after = async (first: Place, set: FenceEnd<null>['set'], second: Place) => {
        const [begun, go] = [gate(), gate()];
        const holding = one.visit(first, async () => {
          begun.open();
          await go.opened;
          return end(null, set);
        });
        await begun.opened;
        const finding = two.visit(second, (found) => end(found));
        const waiting = () => db('pg_stat_activity').where({ datname: name, wait_event: 'advisory' });
        while ((await waiting()).length === 0) await sleep(1);
        go.open();
        await holding;
        return finding;
      };
      const cancel = (outcome: 'started' | 'done') =>
        place([
          { phase: 1, op: 'cancel', outcome: 'empty' },
          { phase: 2, op: 'cancel', outcome },
        ]);
      await one.visit(place([{ phase: 1, op: 'try', outcome: 'started' }]), () => end(null));
      const change = { phase: 1, outcome: 'done', result: 7, at: 2 } as const;
      t.like((await after(place([]), [change], cancel('done'))).first, { outcome: 'done', result: 7 });
      await db('concordat_fence').where('phase', 2).del();
      const confirm = place([{ phase: 2, op: 'confirm', outcome: 'done' }]);
      t.like((await after(place([]), [{ ...change, result: 8 }], confirm)).first, { result: 8 });
      await db('concordat_fence').where('phase', 2).del();
      t.like((await after(cancel('started'), [], place([]))).second, { outcome: 'started' });
    });

    test(`D4 ${isolation}: twins of each op take effect once, and say the same`, async (t) => {
      const { db, bank } = await openBanks(t, server, settings);
      const banks = [await bank(), await bank(), await bank()];
      for (const op of ['try', 'confirm'] as const) {
        for (const xid of ['a', 'b', 'c'])
          t.deepEqual(await Promise.all(banks.map((each) => settled(each, op, { xid }))), ['done', 'done', 'done']);
      }
      const expected = ['a', 'b', 'c'].flatMap((xid) => [`confirm ${xid}.1`, `do ${xid}.1`]).sort();
      t.deepEqual([...(await effects(db))].sort(), expected);
    });

    test(`D8 ${isolation}: a deadlock between two handlers is tried again`, async (t) => {
      const { db, bank } = await openBanks(t, server, settings);
      const both = gate();
      let arrived = 0;
      const moving = (from: string, to: string) =>
        handlerOf('saga', {
          forward: async (_input, tx) => {
            await tx.db('accounts').where('owner', from).decrement('cents', 10);
            if (++arrived === 2) both.open();
            await both.opened;
            await tx.db('accounts').where('owner', to).increment('cents', 10);
            await effect(tx, 'do');
          },
        });
      const [one, two] = [await bank({ saga: moving('ann', 'bob') }), await bank({ saga: moving('bob', 'ann') })];
      const said = await Promise.all([one.send('action', { xid: 'a' }), two.send('action', { xid: 'b' })]);
      t.deepEqual(said.map(word), ['done', 'done']);
      t.true(arrived > 2, 'one of them was worked again');
      t.deepEqual([...(await effects(db))].sort(), ['do a.1', 'do b.1']);
      t.deepEqual(await db('accounts').pluck('cents'), [100, 100]);
    });
  }

  test('H4 what another transaction changed since the snapshot is read again', async (t) => {
    const { db, bank } = await openBanks(t, server, { default_transaction_isolation: 'repeatable read' });
    let runs = 0;
    const one = await bank({
      saga: handlerOf('saga', {
        forward: async (_input, tx) => {
          const { cents } = await tx.db('accounts').where('owner', 'ann').first();
          if (++runs === 1) await db('accounts').where('owner', 'ann').update({ cents: 50 });
          await tx
            .db('accounts')
            .where('owner', 'ann')
            .update({ cents: cents - 10 });
        },
      }),
    });
    t.is(word(await one.send('action')), 'done');
    t.is(runs, 2);
    t.deepEqual(await db('accounts').where('owner', 'ann').pluck('cents'), [40]);
  });

  test('H4 a handler that fails to serialise each time is to be asked again later, and has done nothing', async (t) => {
    const { db, bank } = await openBanks(t, server);
    let runs = 0;
    const fail = (tx: { readonly db: { raw(sql: string): unknown } }) =>
      tx.db.raw(`do $$ begin raise exception 'busy' using errcode = '40001'; end $$`);
    const forward = async (_input: unknown, tx: Parameters<typeof effect>[0]) => {
      runs++;
      await effect(tx, 'do');
      await fail(tx);
    };
    const one = await bank({ saga: handlerOf('saga', { forward }) });
    t.is(word(await one.send('action')), 'running');
    t.is(runs, 4);
    t.deepEqual([await effects(db), await rows(db)], [[], []]);
  });

  test('M7 a server process that is killed in the commit leaves it unknown, and a repeat finds out', async (t) => {
    const { name, db, connect, bank } = await openBanks(t, server);
    await db.raw(`create function wait() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(7); return null; end $$`);
    await db.raw(
      'create constraint trigger waiting after insert on effects deferrable initially deferred for each row execute function wait()',
    );
    const holder = await connect().transaction();
    await holder.raw('select pg_advisory_xact_lock(7)');
    const one = await bank();
    const sent = one.send('try');
    const waiting = () =>
      db('pg_stat_activity').where({ datname: name, query: 'commit', wait_event: 'advisory' }).pluck('pid');
    let pids: readonly number[] = [];
    while (pids.length === 0) pids = await waiting();
    await db.raw('select pg_terminate_backend(?)', [pids[0] as number]);
    await t.throwsAsync(sent, { message: /lost in the commit.*is not known.*repeat/ });
    await holder.rollback();
    t.deepEqual(await effects(db), []);
    t.is(word(await one.send('try')), 'done');
    t.deepEqual(await effects(db), ['do x1.1']);
  });

  test('B2 a commit whose answer is lost is unknown, and a repeat does nothing again', async (t) => {
    const { db, connect, bank } = await openBanks(t, server);
    const proxy = await startProxy(t, server);
    const one = await bank({}, connect({ socket: proxy.socket }));
    proxy.loseCommit();
    await t.throwsAsync(one.send('try'), { message: /lost in the commit.*is not known/ });
    t.is(proxy.lost(), 1);
    t.deepEqual(await effects(db), ['do x1.1']);
    t.is(word(await one.send('try')), 'done');
    t.is(word(await one.send('cancel')), 'done');
    t.deepEqual(await effects(db), ['do x1.1', 'undo x1.1']);
  });

  test('several processes that start at once make the table together', async (t) => {
    const { db, bank } = await openBanks(t, server);
    await t.notThrowsAsync(Promise.all(Array.from({ length: 8 }, () => bank())));
    t.deepEqual(await rows(db), []);
  });
});
