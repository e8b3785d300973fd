/** What a handler may do with `tx.db` on PostgreSQL, and what is refused. */
import test from 'ava';
import { fence, prepareFence } from '../../sdk/participant/fence-alone.js';
import { Pending, Refused } from '../../sdk/protocol/answers.js';
import { GuardedConnection } from '../../sdk/resources/fence/postgres/guarded.js';
import { withPostgres } from '../helpers/with-postgres.js';
import { effect, effects, handlerOf, rows, word } from './bank.js';
import { openBanks } from './postgres-bank.js';

const tryOf = (branch = 1) => ({ origin: 'o', xid: 'x1', branch, op: 'try' }) as const;

withPostgres((server) => {
  test('a refusal is kept also when a statement failed before it, and its work is not', async (t) => {
    const { db, bank } = await openBanks(t, server);
    let runs = 0;
    const forward = async (_input: unknown, tx: Parameters<typeof effect>[0]) => {
      runs++;
      await effect(tx, 'do');
      try {
        await tx.db('accounts').insert({ owner: 'ann', cents: 0 });
      } catch {
        throw new Refused('ann has an account');
      }
    };
    const one = await bank({ tcc: handlerOf('tcc', { forward }) });
    for (let time = 0; time < 2; time++) t.is(word(await one.send('try')), 'refused ann has an account');
    t.is(runs, 1);
    t.deepEqual(await effects(db), []);
    t.is(word(await one.send('cancel')), 'done');
    t.deepEqual(await effects(db), [], 'there is nothing to undo');
  });

  test('a handler that goes on after a failed statement is told why nothing is kept, and a savepoint keeps it', async (t) => {
    const { db, bank } = await openBanks(t, server);
    const failing = (tx: Parameters<typeof effect>[0]) => tx.db('accounts').insert({ owner: 'ann', cents: 0 });
    const going = (answer: unknown) =>
      handlerOf('tcc', {
        forward: async (_input, tx) => {
          await effect(tx, 'do');
          await failing(tx).catch(() => undefined);
          return answer;
        },
      });
    const careful = handlerOf('tcc', {
      forward: async (_input, tx) => {
        await effect(tx, 'do');
        await tx.db
          .transaction((nested) => nested('accounts').insert({ owner: 'ann', cents: 0 }))
          .catch(() => undefined);
      },
    });
    const one = await bank({ silent: going(undefined), telling: going('done'), careful });
    for (const handler of ['silent', 'telling'])
      await t.throwsAsync(one.send('try', { handler }), { message: /statement of the handler failed.*savepoint/ });
    t.deepEqual([await effects(db), await rows(db)], [[], []]);
    t.is(word(await one.send('try', { handler: 'careful' })), 'done');
    t.deepEqual(await effects(db), ['do x1.1']);
  });

  test('the handler neither ends the transaction, nor uses it after its end', async (t) => {
    const { db, bank } = await openBanks(t, server);
    let late: Parameters<typeof effect>[0] | undefined;
    const doing = (work: (tx: Parameters<typeof effect>[0]) => Promise<unknown>) =>
      handlerOf('tcc', {
        forward: async (_input, tx) => {
          late = tx;
          await effect(tx, 'do');
          await work(tx);
        },
      });
    const one = await bank({
      commit: doing((tx) => tx.db.commit()),
      rollback: doing((tx) => tx.db.rollback()),
      raw: doing((tx) => tx.db.raw('commit')),
      later: doing((tx) => tx.db.raw('select 1; commit')),
      open: doing((tx) => tx.db.transaction()),
      fine: doing(async (tx) => tx.db.isCompleted()),
    });
    for (const handler of ['commit', 'rollback', 'raw', 'later'])
      await t.throwsAsync(one.send('try', { handler }), { message: /the fence (begins and )?ends this transaction/ });
    await t.throwsAsync(one.send('try', { handler: 'open' }), { message: /returned before a transaction/ });
    t.deepEqual([await effects(db), await rows(db)], [[], []]);
    t.is(word(await one.send('try', { handler: 'fine' })), 'done');
    await t.throwsAsync(async () => late?.db('effects').insert({ effect: 'late' }), { message: /used after its end/ });
    t.deepEqual(await effects(db), ['do x1.1']);
  });

  test('what ends a transaction is refused however it is written, and what looks like it is not', (t) => {
    const heard: string[] = [];
    const objection = (text: string): boolean => {
      const connection = new GuardedConnection({
        query: (...args: readonly unknown[]) => heard.push(String((args[0] as { text: string }).text)),
      });
      let error: Error | null = null;
      connection.query({ text }, (met) => {
        error = met;
      });
      return error !== null;
    };
    const ends = ['commit', ' Commit;', 'end', 'abort', 'rollback', '/* a */ begin', '-- a\nstart transaction'];
    const more = [
      "prepare transaction 'x'",
      'rollback work',
      'select 1; commit',
      'select 1 ;-- a\n rollback;',
      'select 1; commit work',
      'select 1; commit and no chain;',
      'select 1; rollback transaction',
      "select 1; prepare transaction 'x'",
    ];
    for (const sql of [...ends, ...more]) t.true(objection(sql), sql);
    t.deepEqual(heard, []);
    const body = 'do $$ begin perform 1; end $$';
    for (const sql of ['rollback to trx1', 'ROLLBACK TO SAVEPOINT trx1', 'committed', 'prepare a as select 1', body])
      t.false(objection(sql), sql);
  });

  test('a handler waits for locks as long as its own database says', async (t) => {
    const { bank } = await openBanks(t, server, { lock_timeout: '1234ms', statement_timeout: '4321ms' });
    const shown = async (_input: unknown, tx: Parameters<typeof effect>[0]) => {
      const { rows } = await tx.db.raw(
        `select current_setting('lock_timeout') l, current_setting('statement_timeout') s`,
      );
      return rows[0];
    };
    const one = await bank({ tcc: handlerOf('tcc', { forward: shown }) });
    t.like(await one.send('try'), { kind: 'done', output: { l: '1234ms', s: '4321ms' } });
  });

  test('a handler whose time is over while it waits for a lock lets go of the database', async (t) => {
    const { db, connect, bank } = await openBanks(t, server);
    const held = await connect().transaction();
    await held('accounts').update({ cents: 1 });
    const forward = async (_input: unknown, tx: Parameters<typeof effect>[0]) => {
      await effect(tx, 'do');
      await tx.db('accounts').update({ cents: 2 });
    };
    const own = connect({ max: 1 });
    const one = await bank({ tcc: handlerOf('tcc', { forward }) }, own);
    await t.throwsAsync(one.send('try', { expiresAt: Date.now() + 300 }), { message: /time was over/ });
    t.deepEqual(await own('effects').select(), []);
    await held.rollback();
    t.deepEqual(await db('accounts').distinct('cents').pluck('cents'), [100]);
    t.is(word(await one.send('try')), 'done');
  });

  test('an op costs one statement more than its own work in a transaction, with an answer two', async (t) => {
    const { bank, connect } = await openBanks(t, server);
    const own = connect({ max: 1 });
    const one = await bank({ silent: handlerOf('tcc', { forward: (_input, tx) => effect(tx, 'do') }) }, own);
    const raw = await own.client.acquireConnection();
    let said = 0;
    const { query } = raw;
    raw.query = (...args: unknown[]) => {
      said++;
      return query.apply(raw, args);
    };
    own.client.releaseConnection(raw);
    const count = async (send: () => Promise<unknown>): Promise<number> => {
      said = 0;
      await send();
      return said;
    };
    t.is(await count(() => one.send('try', { handler: 'silent' })), 4, 'begin with the lock, rows, work, commit');
    t.is(await count(() => one.send('try', { xid: 'x2', input: { a: 1 } })), 5, 'and the answer');
    t.is(await count(() => one.send('confirm', { xid: 'x2' })), 4);
  });

  test('the fence goes into a transaction of the caller, refusals included', async (t) => {
    const { db, connect } = await openBanks(t, server);
    await prepareFence(db);
    const insert = (word: string, then?: () => never) =>
      db.transaction((trx) =>
        fence(trx, tryOf(), async (tx) => {
          await tx('effects').insert({ effect: word });
          then?.();
          return word;
        }).catch((error: unknown) => {
          if (error instanceof Refused) return `refused ${error.message}`;
          throw error;
        }),
      );
    const refuse = (): never => {
      throw new Refused('no');
    };
    const breaking = (): never => {
      throw new Error('broke');
    };
    await t.throwsAsync(insert('broken', breaking), { message: 'broke' });
    t.deepEqual(await rows(db), []);
    t.is(await insert('first', refuse), 'refused no');
    t.is(await insert('second'), 'refused no', 'it is kept');
    t.deepEqual(await effects(db), []);
    const held = await connect().transaction();
    t.is(await fence(held, tryOf(2), async () => 1), 1);
    await t.throwsAsync(
      db.transaction((trx) => fence(trx, tryOf(2), async () => 2)),
      { instanceOf: Pending },
    );
    await held.commit();
    t.is(await db.transaction((trx) => fence(trx, tryOf(2), async () => 2)), 1);
  });
});
