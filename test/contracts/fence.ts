/** What every fence table must do, whatever its database. */
import test, { type ExecutionContext } from 'ava';
import type { Knex } from 'knex';
import type { FenceEnd, FenceTable, Place, PlacedRow } from '../../sdk/resources/fence/table.js';
import { FenceBusy } from '../../sdk/resources/fence/table.js';

export interface OpenedTable {
  readonly table: FenceTable;
  /** Of the database that the table is in; there is a table `effects` with the text `effect`. */
  readonly db: Knex;
  /** The same database as another process has it. */
  readonly beside: () => Knex;
}

export type OpenTable = (t: ExecutionContext) => Promise<OpenedTable>;

const at = 1000;
const forward: readonly PlacedRow[] = [{ phase: 1, op: 'try', outcome: 'done', unlessSettled: true }];
const rollback: readonly PlacedRow[] = [
  { phase: 1, op: 'cancel', outcome: 'empty' },
  { phase: 2, op: 'cancel', outcome: 'done' },
];

const place = (rows: readonly PlacedRow[], xid = 'x1'): Place => ({ key: { origin: 'o', xid, branch: 1 }, at, rows });

const end = <T>(answer: T, others: Partial<FenceEnd<T>> = {}): FenceEnd<T> => ({
  answer,
  undo: false,
  release: false,
  set: [],
  ...others,
});

/** What a visit without rows of its own finds. */
const look = (table: FenceTable, xid = 'x1') => table.visit(place([], xid), (found) => end(found));

const done = { op: 'try', outcome: 'done', result: null, at } as const;

export function fenceTableContract(name: string, open: OpenTable): void {
  test(`${name}: a row is put where none is, and whoever comes then finds it`, async (t) => {
    const { table } = await open(t);
    t.deepEqual(await table.visit(place(forward), (found) => end(found)), { first: undefined, second: undefined });
    t.deepEqual(await table.visit(place(forward), (found) => end(found)), { first: done, second: undefined });
    t.deepEqual(await look(table), { first: done, second: undefined });
  });

  test(`${name}: a rollback is told what phase 1 held, and that it held nothing`, async (t) => {
    const { table } = await open(t);
    const result = { text: `\u0000'"` };
    const set = [{ phase: 1, outcome: 'done', result, at: 2000 }] as const;
    await table.visit(place(forward), () => end(1, { set }));
    const { first, second } = await table.visit(place(rollback), (found) => end(found));
    t.deepEqual([first, second], [{ ...done, result, at: 2000 }, undefined]);
    t.deepEqual(await table.visit(place(rollback, 'x2'), (found) => end(found)), {
      first: undefined,
      second: undefined,
    });
  });

  test(`${name}: D5 a rollback is told what phase 2 holds, also where phase 1 held nothing`, async (t) => {
    const { table } = await open(t);
    await table.visit(place([{ phase: 2, op: 'confirm', outcome: 'done' }]), () => end(1));
    const found = await table.visit(place(rollback), (found) => end(found, { release: true }));
    t.deepEqual(found, { first: undefined, second: { ...done, op: 'confirm' } });
    t.deepEqual(await look(table), found);
  });

  test(`${name}: D2 a forward row is not put where phase 2 is there alone`, async (t) => {
    const { table, db } = await open(t);
    for (const xid of ['x1', 'x2']) await table.visit(place(rollback, xid), () => end(1));
    await db('concordat_fence').where({ xid: 'x2', phase: 1 }).del();
    const found = await Promise.all(['x1', 'x2'].map((xid) => table.visit(place(forward, xid), (found) => end(found))));
    t.deepEqual(
      found.map(({ first, second }) => [first?.outcome, second?.op]),
      [
        ['empty', 'cancel'],
        [undefined, 'cancel'],
      ],
    );
    t.is((await look(table, 'x2')).first, undefined);
  });

  test(`${name}: the end of one branch settles no other of its transaction`, async (t) => {
    const { table } = await open(t);
    const beside = (rows: readonly PlacedRow[]): Place => ({ ...place(rows), key: { ...place(rows).key, branch: 2 } });
    await table.visit(place(rollback), () => end(1));
    const before = await table.visit(beside(forward), (found) => end(found));
    t.deepEqual(before, { first: undefined, second: undefined });
    t.deepEqual(await table.visit(beside([]), (found) => end(found)), { first: done, second: undefined });
  });

  test(`${name}: what is released is only what the visit put there`, async (t) => {
    const { table } = await open(t);
    await table.visit(place(forward), () => end(1));
    await table.visit(place(rollback), () => end(1, { release: true }));
    t.deepEqual(await look(table), { first: done, second: undefined });
  });

  test(`${name}: work is kept or taken back with its row`, async (t) => {
    const { table, db } = await open(t);
    const visit = (xid: string, others: Partial<FenceEnd<string>>) =>
      table.visit(place(forward, xid), async (_found, tx) => {
        await tx()('effects').insert({ effect: xid });
        return end(xid, others);
      });
    await visit('kept', {});
    await visit('undone', { undo: true, set: [{ phase: 1, outcome: 'refused', result: { reason: 'no' }, at }] });
    await visit('gone', { undo: true, release: true });
    t.deepEqual(await db('effects').pluck('effect'), ['kept']);
    t.deepEqual(await db('concordat_fence').orderBy('xid').pluck('outcome'), ['done', 'refused']);
  });

  test(`${name}: B3 what a visitor throws takes back all of its own and rejects it alone`, async (t) => {
    const { table, db } = await open(t);
    const visit = (xid: string) =>
      table.visit(place(forward, xid), async (_found, tx) => {
        await tx()('effects').insert({ effect: xid });
        if (xid === 'b') throw new Error('broke');
        return end(xid);
      });
    const settled = await Promise.allSettled(['a', 'b', 'c'].map(visit));
    t.deepEqual(
      settled.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    t.deepEqual(await db('effects').orderBy('effect').pluck('effect'), ['a', 'c']);
    t.deepEqual(await db('concordat_fence').orderBy('xid').pluck('xid'), ['a', 'c']);
  });

  test(`${name}: visits of one branch that come at once are one after the other`, async (t) => {
    const { table } = await open(t);
    const found = await Promise.all([1, 2, 3].map(() => table.visit(place(forward), (found) => end(found.first))));
    t.deepEqual(found, [undefined, done, done]);
  });

  test(`${name}: I3 what is answered is there for others`, async (t) => {
    const { table, beside } = await open(t);
    const other = beside();
    await table.visit(place(forward), () => end(1));
    t.is((await other('concordat_fence').select()).length, 1);
  });

  test(`${name}: D3 D8 what another process holds is FenceBusy, and the visitor is not called`, async (t) => {
    const { table, beside } = await open(t);
    await table.visit(place(forward), () => end(1));
    const held = await beside().transaction();
    await held('concordat_fence').update({ at: 5 });
    const called = t.throwsAsync(
      table.visit(place(forward), () => {
        t.fail();
        return end(1);
      }),
      { instanceOf: FenceBusy },
    );
    await called;
    await held.rollback();
  });

  test(`${name}: a change of a row that is not there is an error, not a silence`, async (t) => {
    const { table } = await open(t);
    const set = [{ phase: 2, outcome: 'done', result: null, at }] as const;
    await t.throwsAsync(
      table.visit(place(forward), () => end(1, { set })),
      { message: /expected to write 1 rows, wrote 0/ },
    );
    t.deepEqual(await look(table), { first: undefined, second: undefined });
  });

  test(`${name}: D10 cleaning takes the oldest of one origin, so many at most`, async (t) => {
    const { table, db } = await open(t);
    const visits = ['a', 'b', 'c'].map((xid, index) => ({ ...place(forward, xid), at: index }));
    for (const each of visits) await table.visit(each, () => end(1));
    await table.visit({ ...place(forward, 'd'), key: { origin: 'other', xid: 'd', branch: 1 }, at: 0 }, () => end(1));
    t.is(await table.clean('o', 2, 1), 1);
    t.deepEqual(await db('concordat_fence').orderBy('xid').pluck('xid'), ['b', 'c', 'd']);
    t.is(await table.clean('o', 2, 9), 1);
    t.is(await table.clean('o', 2, 9), 0);
  });

  test(`${name}: making the table again changes nothing`, async (t) => {
    const { table } = await open(t);
    await table.visit(place(forward), () => end(1));
    await table.prepare();
    t.deepEqual((await look(table)).first, done);
  });
}
