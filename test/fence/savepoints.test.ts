/** Works of a group have no savepoints until one that wrote has to be taken back. */
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { Pending, Refused } from '../../sdk/protocol/answers.js';
import { sqliteFenceTable } from '../../sdk/resources/fence/sqlite/table.js';
import { manualClock } from '../helpers/clock.js';
import { effect, effects, handlerOf, openBank, rows, startBank, word } from './bank.js';
import { traced } from './traced.js';

test('where one that wrote is taken back, its group is worked again, and the next ones take savepoints', async (t) => {
  const runs: string[] = [];
  const saga = handlerOf('saga', {
    forward: async (input, tx) => {
      runs.push(tx.xid);
      await effect(tx, 'do');
      if (input === 'refuse') throw new Refused('no');
    },
  });
  const { db, send } = await startBank(t, { saga }, { clock: manualClock() });
  await send('action', { xid: 'warm' });
  const said = await traced(t, db);
  const group = (inputs: Readonly<Record<string, string>>) =>
    Promise.all(Object.entries(inputs).map(([xid, input]) => send('action', { xid, input })));
  const savepoints = async () => {
    // By the answer to one more, all before it were told.
    await db.raw('select 1');
    await turn();
    return said.splice(0).filter((sql) => sql.startsWith('savepoint')).length;
  };
  runs.length = 0;
  t.deepEqual((await group({ a: 'keep', b: 'refuse', c: 'keep' })).map(word), ['done', 'refused no', 'done']);
  t.deepEqual([runs.splice(0), await savepoints()], [['a', 'b', 'a', 'b', 'c'], 2]);
  t.deepEqual((await group({ d: 'keep', e: 'refuse', f: 'keep' })).map(word), ['done', 'refused no', 'done']);
  t.deepEqual([runs.splice(0), await savepoints()], [['d', 'e', 'f'], 2]);
  t.deepEqual(await effects(db), ['do warm.1', 'do a.1', 'do c.1', 'do d.1', 'do f.1']);
  t.deepEqual(
    (await rows(db)).map((row) => Object.values(row as object).join(' ')),
    ['a', 'b', 'c', 'd', 'e', 'f', 'warm'].map((xid) => `${xid} 1 action ${'be'.includes(xid) ? 'refused' : 'done'}`),
  );
});

test('one that is given up after it wrote is told why and not run again; the others of its group are', async (t) => {
  const runs: string[] = [];
  const saga = handlerOf('saga', {
    forward: async (input, tx) => {
      runs.push(tx.xid);
      await effect(tx, 'do');
      if (input === 'hang') await new Promise(() => undefined);
    },
  });
  const { db, send } = await startBank(t, { saga });
  await send('action', { xid: 'warm' });
  runs.length = 0;
  const [first, given, last] = await Promise.allSettled([
    send('action', { xid: 'a' }),
    send('action', { xid: 'b', input: 'hang', expiresAt: Date.now() + 500 }),
    send('action', { xid: 'c' }),
  ]);
  t.deepEqual([first?.status, last?.status], ['fulfilled', 'fulfilled']);
  t.regex(given?.status === 'rejected' ? String(given.reason) : '', /time was over before the handler was done/);
  t.deepEqual(
    runs.filter((xid) => xid === 'b'),
    ['b'],
  );
  t.deepEqual((await effects(db)).toSorted(), ['do a.1', 'do c.1', 'do warm.1']);
  t.is((await rows(db)).length, 3);
});

test('one of which nothing is kept is answered once its group was taken back, and is not worked again', async (t) => {
  const runs: string[] = [];
  const saga = handlerOf('saga', {
    forward: async (input, tx) => {
      runs.push(tx.xid);
      await effect(tx, 'do');
      if (input === 'wait') throw new Pending({ retryAfterMs: 5 });
      if (input === 'fail') throw new Error('broke');
    },
  });
  for (const [input, said] of [
    ['wait', 'pending'],
    ['fail', 'broke'],
  ] as const) {
    const { db, send } = await startBank(t, { saga }, { clock: manualClock() });
    const answers = await Promise.all(
      ['keep', input, 'keep'].map((each, index) =>
        send('action', { xid: `x${index}`, input: each }).then(word, (error: Error) => error.message),
      ),
    );
    t.deepEqual(answers, ['done', said, 'done']);
    t.deepEqual(runs.splice(0), ['x0', 'x1', 'x0', 'x2']);
    t.deepEqual(await effects(db), ['do x0.1', 'do x2.1']);
  }
});

test('one that takes back its work and writes of another row is worked again, and that is kept', async (t) => {
  const db = await openBank(t);
  const table = sqliteFenceTable(db, { monotonic: () => 0 });
  await table.prepare();
  const visit = (xid: string, phase: 1 | 2, others: object) => {
    const rows = [{ phase, op: phase === 1 ? 'try' : 'cancel', outcome: 'done' }] as const;
    return table.visit({ key: { origin: 'o', xid, branch: 1 }, at: 1, rows }, async (_found, open) => {
      await open()('effects').insert({ effect: xid });
      return { answer: xid, undo: false, release: false, set: [], ...others };
    });
  };
  await visit('b', 1, {});
  const set = [{ phase: 1, outcome: 'refused', result: null, at: 2 }];
  await Promise.all([visit('a', 1, {}), visit('b', 2, { undo: true, release: true, set })]);
  t.deepEqual(await effects(db), ['b', 'a']);
  t.deepEqual(await rows(db), [
    { xid: 'a', phase: 1, op: 'try', outcome: 'done' },
    { xid: 'b', phase: 1, op: 'try', outcome: 'refused' },
  ]);
});

test('one that only read before it was refused costs the others nothing', async (t) => {
  const runs: string[] = [];
  const saga = handlerOf('saga', {
    forward: async (input, tx) => {
      runs.push(tx.xid);
      await tx.db('effects').select();
      if (input === 'refuse') throw new Refused('no');
      await effect(tx, 'do');
    },
  });
  const { db, send } = await startBank(t, { saga });
  const inputs = ['keep', 'refuse', 'keep', 'refuse', 'keep'];
  await Promise.all(inputs.map((input, index) => send('action', { xid: `x${index}`, input })));
  t.deepEqual(runs, ['x0', 'x1', 'x2', 'x3', 'x4']);
  t.deepEqual(await effects(db), ['do x0.1', 'do x2.1', 'do x4.1']);
});

test('savepoints are given up again after groups that needed none', async (t) => {
  const limits = { cautiousFor: 2 };
  const db = await openBank(t);
  const table = sqliteFenceTable(db, { monotonic: () => 0, limits });
  await table.prepare();
  const said = await traced(t, db);
  const place = (xid: string) => ({ key: { origin: 'o', xid, branch: 1 }, at: 0, rows: [] });
  const visit = (xid: string, undo: boolean) =>
    table.visit(place(xid), async (_found, open) => {
      await open()('effects').insert({ effect: xid });
      return { answer: xid, undo, release: false, set: [] };
    });
  const savepoints: number[] = [];
  for (const undo of [false, true, false, false, false]) {
    await Promise.all([visit('a', false), visit('b', undo)]);
    await db.raw('select 1');
    await turn();
    savepoints.push(said.splice(0).filter((sql) => sql.startsWith('savepoint')).length);
  }
  t.deepEqual(savepoints, [0, 1, 1, 0, 0]);
});

test('the first of a group needs no savepoint, and its group is not worked again: the transaction is begun again', async (t) => {
  const runs: string[] = [];
  const saga = handlerOf('saga', {
    forward: async (input, tx) => {
      runs.push(tx.xid);
      await effect(tx, 'do');
      if (input === 'refuse') throw new Refused('no');
    },
  });
  const { db, send } = await startBank(t, { saga }, { clock: manualClock() });
  await send('action', { xid: 'warm' });
  const said = await traced(t, db);
  const inputs = ['refuse', 'keep', 'keep'];
  const answers = await Promise.all(inputs.map((input, index) => send('action', { xid: `x${index}`, input })));
  await turn();
  t.deepEqual(answers.map(word), ['refused no', 'done', 'done']);
  t.deepEqual(runs, ['warm', 'x0', 'x1', 'x2']);
  const ends = said.filter((sql) => /^(begin|commit|rollback|savepoint)/.test(sql));
  t.deepEqual(ends, ['begin immediate', 'rollback', 'begin immediate', 'commit']);
  t.deepEqual(await effects(db), ['do warm.1', 'do x1.1', 'do x2.1']);
});
