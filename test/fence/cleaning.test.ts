import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import {
  clockAllowanceMs,
  commandLifeMaxMs,
  createCleaner,
  keepMsDefault,
  keepMsMin,
} from '../../sdk/participant/fence-cleaning.js';
import { callMaxMs } from '../../sdk/protocol/schemas.js';
import type { FenceTable } from '../../sdk/resources/fence/table.js';
import { manualClock } from '../helpers/clock.js';
import { type Bank, origin, rows, startBank, type Teardown } from './bank.js';

const day = 24 * 3600 * 1000;

async function aged(t: Teardown, count = 1) {
  const clock = manualClock();
  const bank = await startBank(t, {}, { clock });
  for (let i = 0; i < count; i++) await bank.send('try', { xid: `old-${i}` });
  clock.advance(keepMsDefault + 1);
  await bank.send('try', { xid: 'young' });
  return { ...bank, clock };
}

const xids = async ({ db }: Bank) => (await rows(db)).map((row) => (row as { xid: string }).xid);

test('D10 rows that are old and before the floor are deleted, others are not', async (t) => {
  const bank = await aged(t);
  bank.executor.setFloor(bank.clock.now(), origin);
  await bank.executor.close();
  t.deepEqual(await xids(bank), ['young']);
});

test('D10 nothing is deleted without a floor, nor beyond it less what clocks may differ', async (t) => {
  const bank = await aged(t);
  await turn();
  t.is((await xids(bank)).length, 2);
  const opened = bank.clock.now() - keepMsDefault - 1;
  bank.executor.setFloor(opened + clockAllowanceMs, origin);
  await bank.executor.close();
  t.is((await xids(bank)).length, 2);
});

test('D10 a floor alone deletes nothing that is young', async (t) => {
  const bank = await aged(t);
  bank.executor.setFloor(bank.clock.now() + 30 * day, origin);
  await bank.executor.close();
  t.deepEqual(await xids(bank), ['young']);
});

test('D10 rows of a coordinator that the floor is not from are left alone', async (t) => {
  const bank = await aged(t);
  await bank.db('concordat_fence').where({ xid: 'old-0' }).update({ origin: 'another' });
  bank.executor.setFloor(bank.clock.now(), origin);
  await bank.executor.close();
  t.deepEqual((await xids(bank)).toSorted(), ['old-0', 'young']);
});

test('D10 a floor cleans the rows of the store that it is from: commands of others that came here are not its to judge', async (t) => {
  const clock = manualClock();
  const bank = await startBank(t, {}, { clock });
  await bank.send('try', { xid: 'ours' });
  await bank.send('try', { xid: 'theirs', origin: 'origin-2' });
  clock.advance(keepMsDefault + 1);
  // @ts-expect-error a floor without an origin is nobody's
  bank.executor.setFloor(clock.now());
  await bank.executor.close();
  t.deepEqual((await xids(bank)).toSorted(), ['ours', 'theirs']);
  const again = await startBank(t, {}, { clock, db: bank.db });
  again.executor.setFloor(clock.now(), origin);
  await again.executor.close();
  t.deepEqual(await xids(bank), ['theirs']);
});

test('D10 rows cannot be kept for less than a command lives', async (t) => {
  t.is(commandLifeMaxMs, callMaxMs);
  await t.throwsAsync(startBank(t, {}, { keepMs: keepMsMin - 1 }), {
    instanceOf: RangeError,
    message: new RegExp(`at least ${keepMsMin} ms, got ${keepMsMin - 1}`),
  });
});

test('many are deleted a few at a time, with pauses', async (t) => {
  const bank = await aged(t);
  const old = await bank.db('concordat_fence').where({ xid: 'old-0' }).first();
  const many = Array.from({ length: 1200 }, (_, index) => ({ ...old, xid: `many-${index}` }));
  await bank.db.batchInsert('concordat_fence', many, 100);
  bank.executor.setFloor(bank.clock.now(), origin);
  const left: number[] = [];
  while ((await xids(bank)).length > 1) {
    const now = (await xids(bank)).length;
    if (left.at(-1) !== now) left.push(now);
    if (bank.clock.waiting() > 0) bank.clock.advance(1000);
  }
  t.deepEqual(left.slice(-2), [702, 202]);
  await bank.executor.close();
});

/** A table that says how it is cleaned and deletes as many rows as it is told at each time. */
function cleaning(deleted: (number | Error)[]) {
  const clock = manualClock();
  const asked: string[] = [];
  const warned: string[] = [];
  const table: FenceTable = {
    prepare: async () => undefined,
    visit: () => Promise.reject(new Error('expected no visit')),
    async clean(of, before, rowsMax) {
      asked.push(`${of} ${before - clock.now()} ${rowsMax}`);
      const count = deleted.shift() ?? 0;
      if (count instanceof Error) throw count;
      return count;
    },
  };
  const log = {
    warn: ({ error }: Readonly<Record<string, unknown>>, message: string) => warned.push(`${message}: ${error}`),
  };
  return { clock, asked, warned, cleaner: createCleaner({ clock, log, keepMs: keepMsDefault, tables: () => [table] }) };
}

test('D10 rows may be kept for as long as a command can live, and not for less', (t) => {
  const options = { clock: manualClock(), log: { warn: () => undefined }, tables: () => [] };
  t.notThrows(() => createCleaner({ ...options, keepMs: keepMsMin }));
  for (const keepMs of [keepMsMin - 1, Number.NaN])
    t.throws(() => createCleaner({ ...options, keepMs }), { instanceOf: RangeError });
});

test('D10 a floor that is none, comes while another is at work, or after the end cleans nothing', async (t) => {
  const { cleaner, asked, clock } = cleaning([]);
  cleaner.setFloor(Number.NaN, origin);
  t.deepEqual(asked, []);
  cleaner.setFloor(clock.now(), 'a');
  cleaner.setFloor(clock.now(), 'b');
  await turn();
  cleaner.setFloor(clock.now(), 'c');
  await turn();
  await cleaner.close();
  cleaner.setFloor(clock.now(), 'd');
  t.deepEqual(asked, [`a ${-keepMsDefault} 500`, `c ${-keepMsDefault} 500`]);
});

test('where there is much to delete others have their turn in between, and closing does not wait for the rest', async (t) => {
  const { cleaner, asked, clock } = cleaning([500, 500, 500, 3]);
  cleaner.setFloor(clock.now(), origin);
  await turn();
  t.is(asked.length, 1);
  clock.advance(49);
  await turn();
  t.is(asked.length, 1);
  clock.advance(1);
  await turn();
  t.is(asked.length, 2);
  t.is(clock.waiting(), 1);
  await cleaner.close();
  t.is(clock.waiting(), 0);
  t.is(asked.length, 2);
});

test('a cleaning that fails is told, and the next floor cleans again', async (t) => {
  const { cleaner, asked, warned, clock } = cleaning([new Error('locked')]);
  for (const _ of [1, 2]) {
    cleaner.setFloor(clock.now(), origin);
    await turn();
  }
  t.deepEqual(warned, ['old rows of the fence were not deleted: Error: locked']);
  t.is(asked.length, 2);
});
