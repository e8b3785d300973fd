/** Commands that wait for the one writer go together, and no one pays for another. */
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { Refused } from '../../sdk/protocol/answers.js';
import { thinHandles } from '../../sdk/resources/fence/sqlite/handle.js';
import { sqliteFenceTable } from '../../sdk/resources/fence/sqlite/table.js';
import { FenceBusy } from '../../sdk/resources/fence/table.js';
import { manualClock } from '../helpers/clock.js';
import { connect, effect, effects, fileOf, gate, handlerOf, openBank, rows, startBank, word } from './bank.js';
import { traced } from './traced.js';

const xids = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `x${index}`);

test('a forward op costs two statements more than its own transaction', async (t) => {
  const { db, send } = await startBank(t);
  await send('action', { xid: 'warm' });
  const said = await traced(t, db);
  await send('action', { input: { receipt: 1 } });
  await turn();
  t.deepEqual(said, [
    'begin immediate',
    'insert into concordat_fence',
    'insert into `effects`',
    'update concordat_fence set',
    'commit',
  ]);
});

test('an undo and a forward op without an output cost one', async (t) => {
  const { db, send } = await startBank(t, { saga: handlerOf('saga', { forward: (_input, tx) => effect(tx, 'do') }) });
  await send('action', { xid: 'warm' });
  const said = await traced(t, db);
  await send('action');
  await send('compensate', { forward: 'done' });
  await turn();
  const each = ['begin immediate', 'insert into concordat_fence', 'insert into `effects`', 'commit'];
  t.deepEqual(said, [...each, ...each]);
});

test('many that wait together share begin, rows, outcomes and commit', async (t) => {
  const { db, send } = await startBank(t, {}, { clock: manualClock() });
  await send('action', { xid: 'warm' });
  const said = await traced(t, db);
  await Promise.all(xids(10).map((xid) => send('action', { xid, input: 1 })));
  await turn();
  // Begin, rows, outcomes, commit; a work each.
  t.is(said.length, 4 + 10);
  t.is((await effects(db)).length, 11);
});

test('one that is refused, and one that fails, leave the others of their group alone', async (t) => {
  const saga = handlerOf('saga', {
    forward: async (input, tx) => {
      await effect(tx, 'do');
      if (input === 'refuse') throw new Refused('no');
      if (input === 'fail') throw new Error('broke');
      return tx.xid;
    },
  });
  const { db, send } = await startBank(t, { saga });
  const inputs = ['refuse', 'keep', 'fail', 'keep', 'refuse', 'keep'];
  const answers = await Promise.all(
    inputs.map((input, index) =>
      send('action', { xid: `x${index}`, input }).then(word, (error: Error) => error.message),
    ),
  );
  t.deepEqual(answers, ['refused no', 'done', 'broke', 'done', 'refused no', 'done']);
  t.deepEqual(await effects(db), ['do x1.1', 'do x3.1', 'do x5.1']);
  t.deepEqual(
    (await rows(db)).map((row) => Object.values(row as object).join(' ')),
    ['x0 1 action refused', 'x1 1 action done', 'x3 1 action done', 'x4 1 action refused', 'x5 1 action done'],
  );
});

test('when the commit fails nothing is known of any, and nothing of any is kept', async (t) => {
  const { db, send } = await startBank(t);
  await send('action', { xid: 'warm' });
  await db.raw('pragma foreign_keys = on');
  await db.raw('create table parents (id integer primary key)');
  await db.raw('create table children (parent integer references parents (id) deferrable initially deferred)');
  await db.raw('create trigger orphan after insert on effects begin insert into children values (1); end');
  const settled = await Promise.allSettled(xids(5).map((xid) => send('action', { xid })));
  t.deepEqual(
    settled.map(({ status }) => status),
    Array(5).fill('rejected'),
  );
  t.is((await effects(db)).length, 1);
  t.is((await rows(db)).length, 1);
  await db.raw('drop trigger orphan');
  t.is(word(await send('action', { xid: 'x1' })), 'done');
});

test('after a commit that a constraint made fail each of its group goes alone once, and then all go together again', async (t) => {
  const saga = handlerOf('saga', {
    forward: async (input, tx) => {
      await effect(tx, 'do');
      if (input === 'bad') await tx.db('children').insert({ parent: 99 });
    },
  });
  const { db, send } = await startBank(t, { saga }, { clock: manualClock() });
  await db.raw('pragma foreign_keys = on');
  await db.raw('create table parents (id integer primary key)');
  await db.raw('create table children (parent integer references parents (id) deferrable initially deferred)');
  const said = await traced(t, db);
  const begins = async (inputs: readonly string[], name: string) => {
    await Promise.allSettled(inputs.map((input, index) => send('action', { xid: `${name}${index}`, input })));
    await db.raw('select 1');
    await turn();
    return said.splice(0).filter((sql) => sql === 'begin immediate').length;
  };
  t.is(await begins(['good', 'bad', 'good'], 'a'), 1 + 3);
  t.is(await begins(['good', 'good', 'good'], 'b'), 1);
  t.is((await effects(db)).length, 5);
});

test('H4 a commit that a reader holds up is unknown, and a repeat goes through', async (t) => {
  const { db, send } = await startBank(t);
  await db.raw('pragma journal_mode = delete');
  const reader = connect(fileOf(db), '', 'delete');
  t.teardown(() => reader.destroy());
  const reading = await reader.transaction();
  await reading('effects').select();
  await t.throwsAsync(send('try'), { message: /SQLITE_BUSY/ });
  await reading.commit();
  t.is(word(await send('try')), 'done');
  t.deepEqual(await effects(db), ['do x1.1']);
});

test('H2 when the disk is full nothing is kept, and it goes on when there is room', async (t) => {
  const large = handlerOf('saga', {
    forward: async (_input, tx) => void (await tx.db('effects').insert({ effect: 'x'.repeat(200_000) })),
  });
  const { db, send } = await startBank(t, { large });
  await send('action');
  const [{ page_count: pages }] = await db.raw('pragma page_count');
  await db.raw(`pragma max_page_count = ${pages + 5}`);
  const settled = await Promise.allSettled([
    send('action', { xid: 'x2', handler: 'large' }),
    send('action', { xid: 'x3' }),
  ]);
  t.is(settled[0]?.status, 'rejected');
  await db.raw('pragma max_page_count = 1000000');
  t.is(word(await send('action', { xid: 'x2', handler: 'large' })), 'done');
  t.is(word(await send('action', { xid: 'x3' })), 'done');
  t.is((await effects(db)).length, 3);
});

test('a handler that goes on after the database rolled everything back commits nothing by itself', async (t) => {
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      await effect(tx, 'before');
      await tx.db.raw(`insert or rollback into effects (id, effect) values (1, 'same')`).catch(() => undefined);
      await effect(tx, 'after');
    },
  });
  const { db, send } = await startBank(t, { saga });
  await db('effects').insert({ id: 1, effect: 'first' });
  await t.throwsAsync(send('action'));
  t.deepEqual([await effects(db), await rows(db)], [['first'], []]);
});

test('a query that was not awaited cannot get into the work of another', async (t) => {
  const late = gate();
  let leftover: Promise<unknown> | undefined;
  const careless = handlerOf('saga', {
    forward: async (_input, tx) => {
      leftover = late.opened.then(() => effect(tx, 'ghost'));
      leftover.catch(() => undefined);
    },
  });
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      late.open();
      await t.throwsAsync(leftover as Promise<unknown>, {
        message: /tx\.db was used after its end: its handler has ended/,
      });
      await effect(tx, 'do');
    },
  });
  const { db, send } = await startBank(t, { careless, saga });
  await Promise.all([send('action', { xid: 'x1', handler: 'careless' }), send('action', { xid: 'x2' })]);
  t.deepEqual(await effects(db), ['do x2.1']);
});

test('a query that was sent and not awaited belongs to its own work', async (t) => {
  const careless = handlerOf('saga', {
    forward: async (_input, tx) => {
      void effect(tx, 'mine').then();
      await turn();
      throw new Refused('no');
    },
  });
  const { db, send } = await startBank(t, { careless });
  await Promise.all([
    send('action', { xid: 'x1', handler: 'careless' }),
    send('action', { xid: 'x2' }),
    send('action', { xid: 'x3', handler: 'careless' }),
  ]);
  t.deepEqual(await effects(db), ['do x2.1']);
});

test('tx.db is a transaction of knex: nested ones, schema, raw and select work, and only the fence ends it', async (t) => {
  const seen: unknown[] = [];
  const saga = handlerOf('saga', {
    forward: async (_input, { db }) => {
      await db.schema.createTable('notes', (table) => table.text('note'));
      await db.transaction(async (inner) => void (await inner('notes').insert({ note: 'kept' })));
      await db
        .transaction(async (inner) => {
          await inner('notes').insert({ note: 'taken back' });
          throw new Error('inner');
        })
        .catch(() => undefined);
      const held = await db.transaction();
      await held('notes').insert({ note: 'held' });
      await held.commit();
      await db.savepoint(async (inner) => void (await inner('notes').insert({ note: 'point' })));
      await db.batchInsert('notes', [{ note: 'batch' }]);
      await db('notes').insert({ note: 'beside' }).transacting(db);
      seen.push(await db('notes').pluck('note'), db.isTransaction, db.isCompleted());
      for (const end of [
        () => db.commit(),
        () => db.rollback(),
        () => db.raw('COMMIT'),
        () => db.raw('-- x\n rollback'),
      ])
        await t.throwsAsync(async () => end(), { message: /return .*throw/ });
    },
  });
  const { db, send } = await startBank(t, { saga });
  t.is(word(await send('action')), 'done');
  t.deepEqual(seen, [['kept', 'held', 'point', 'batch', 'beside'], true, false]);
  t.deepEqual(await db('notes').pluck('note'), ['kept', 'held', 'point', 'batch', 'beside']);
});

test('listeners of one handler hear that handler alone, those of the database hear all', async (t) => {
  const heard: string[] = [];
  const once: string[] = [];
  const all: string[] = [];
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      if (tx.xid === 'x1') {
        tx.db.on('query', ({ sql }) => heard.push(sql)).once('query', ({ sql }) => once.push(sql));
        tx.db.addListener('query', ({ sql }) => heard.push(sql));
      }
      await effect(tx, 'do');
      await effect(tx, 'do more');
    },
  });
  const { db, send } = await startBank(t, { saga });
  db.on('query', ({ sql }) => all.push(sql));
  await send('action', { xid: 'x1' });
  await send('action', { xid: 'x2' });
  t.deepEqual([heard.length, once.length], [2 * 2, 1]);
  t.is(all.filter((sql) => sql.includes('effects')).length, 4);
});

test('the thin way to a transaction holds with this version of knex', async (t) => {
  t.truthy(await thinHandles(await openBank(t)));
});

test('the connection goes back between groups: a query of the user is not held off', async (t) => {
  const { db, send } = await startBank(t);
  const order: string[] = [];
  const waves = xids(200).map((xid) => send('action', { xid }).then(() => order.push(xid)));
  const read = db('effects')
    .count()
    .then(() => order.push('read'));
  await Promise.all([...waves, read]);
  t.true(order.indexOf('read') < 200, `${order.indexOf('read')}`);
});

test('a slow handler lets the rest of its group go into the next', async (t) => {
  let now = 0;
  const clock = { now: () => 0, monotonic: () => now, after: () => () => undefined };
  const saga = handlerOf('saga', {
    forward: async (_input, tx) => {
      now += 15;
      await effect(tx, 'do');
    },
  });
  const { db, send } = await startBank(t, { saga }, { clock });
  await send('action', { xid: 'warm' });
  const said = await traced(t, db);
  await Promise.all(xids(6).map((xid) => send('action', { xid })));
  await turn();
  t.is(said.filter((sql) => sql === 'commit').length, 3);
  t.is((await effects(db)).length, 7);
});

test('a group begins no work once its time is over, is as large as had its turn in time, and grows again', async (t) => {
  let now = 0;
  let slowFor = 0;
  const clock = { now: () => 0, monotonic: () => now, after: () => () => undefined };
  const groups: number[] = [];
  let said: readonly string[] = [];
  const saga = handlerOf('saga', {
    forward: async () => {
      const commits = said.filter((sql) => sql === 'commit').length;
      groups[commits] = (groups[commits] ?? 0) + 1;
      if (slowFor-- > 0) now += 10;
    },
  });
  const { db, send } = await startBank(t, { saga }, { clock });
  await send('action', { xid: 'warm' });
  said = await traced(t, db);
  [slowFor, groups.length] = [4, 0];
  await Promise.all(xids(20).map((xid) => send('action', { xid })));
  t.deepEqual(groups, [2, 2, 4, 8, 4]);
});

test('one of a group always has its turn, however little time there is', async (t) => {
  const db = await openBank(t);
  const table = sqliteFenceTable(db, { monotonic: () => 0, limits: { budgetMs: 0 } });
  await table.prepare();
  const visit = (xid: string) =>
    table.visit({ key: { origin: 'o', xid, branch: 1 }, at: 1, rows: [] }, () => ({
      answer: xid,
      undo: false,
      release: false,
      set: [],
    }));
  t.deepEqual(await Promise.all([visit('a'), visit('b')]), ['a', 'b']);
});

test('I6 H2 once the database rolled back by itself, the rest of the group works in a transaction of its own', async (t) => {
  const saga = handlerOf('saga', {
    forward: async (input, tx) => {
      await effect(tx, 'do');
      const same = tx.db.raw(`insert or rollback into effects (id, effect) values (1, 'same')`);
      if (input === 'lose') await same.catch(() => undefined);
    },
  });
  const { db, send } = await startBank(t, { saga });
  await db('effects').insert({ id: 1, effect: 'first' });
  const settled = await Promise.allSettled(
    ['lose', 'keep'].map((input, index) => send('action', { xid: `x${index}`, input })),
  );
  t.deepEqual(
    settled.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
  t.deepEqual(await effects(db), ['first', 'do x1.1']);
  t.deepEqual(await rows(db), [{ xid: 'x1', phase: 1, op: 'action', outcome: 'done' }]);
});

test('a handler that begins a transaction by its text is told that one is open', async (t) => {
  const saga = handlerOf('saga', { forward: async (_input, tx) => void (await tx.db.raw('BEGIN;')) });
  const { send } = await startBank(t, { saga });
  await t.throwsAsync(send('action'), { message: /the fence begins and ends this transaction, so "BEGIN;"/ });
});

test('D8 who meets another connection that writes is told so, and why', async (t) => {
  const db = await openBank(t);
  const table = sqliteFenceTable(db, { monotonic: () => 0 });
  await table.prepare();
  const beside = connect(fileOf(db));
  t.teardown(() => beside.destroy());
  const held = await beside.transaction();
  await held('effects').insert({ effect: 'beside' });
  const place = { key: { origin: 'o', xid: 'x', branch: 1 }, at: 1, rows: [] };
  const error = await t.throwsAsync(
    table.visit(place, () => ({ answer: 1, undo: false, release: false, set: [] })),
    { instanceOf: FenceBusy, message: 'another connection writes to the database' },
  );
  t.regex(String(error?.cause), /SQLITE_BUSY/);
  await held.rollback();
});
