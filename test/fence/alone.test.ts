/** `fence(trx, tx, work)` and `fenced(knex, tx, work)`: the fence without the host. */
import test from 'ava';
import type { Knex } from 'knex';
import { type FenceCommand, fence, fenced, prepareFence } from '../../sdk/knex.js';
import { Pending, Refused } from '../../sdk/protocol/answers.js';
import { connect, effects, fileOf, openBank, rows, type Teardown } from './bank.js';

const command: FenceCommand = { origin: 'origin-1', xid: 'x1', branch: 1, op: 'action' };

async function prepared(t: Teardown): Promise<Knex> {
  const db = await openBank(t);
  await prepareFence(db);
  return db;
}

const write =
  (effect: string, then: () => unknown = () => ({ effect })) =>
  async (db: Knex.Transaction) => {
    await db('effects').insert({ effect });
    return then();
  };

const refuse = (): never => {
  throw new Refused('no', { code: 'no' });
};

const ways = {
  fence: async <T>(db: Knex, tx: FenceCommand, work: (db: Knex.Transaction, output: unknown) => Promise<T>) => {
    const trx = await db.transaction();
    try {
      const result = await fence(trx, tx, work);
      await trx.commit();
      return result;
    } catch (error) {
      await (error instanceof Refused ? trx.commit() : trx.rollback());
      throw error;
    }
  },
  fenced,
};

for (const [name, way] of Object.entries(ways)) {
  test(`C1 ${name}: a repeat gets the stored answer and has no second effect`, async (t) => {
    const db = await prepared(t);
    for (const _ of [1, 2]) t.deepEqual(await way(db, command, write('do')), { effect: 'do' });
    t.deepEqual(await effects(db), ['do']);
  });

  test(`C1 ${name}: a refusal takes the work back and is kept`, async (t) => {
    const db = await prepared(t);
    await t.throwsAsync(way(db, command, write('do', refuse)), { instanceOf: Refused });
    const again = await t.throwsAsync(way(db, command, write('do')), { instanceOf: Refused, message: 'no' });
    t.is((again as Refused).code, 'no');
    t.deepEqual(await effects(db), []);
  });

  test(`I6 ${name}: with the attempt's number a refused undo is refused again to its copies, not to the next attempt`, async (t) => {
    const db = await prepared(t);
    await way(db, command, write('do'));
    const undo = (attempt: number, then?: () => never) =>
      way(db, { ...command, op: 'compensate', attempt }, write('undo', then)).then(
        () => 'done',
        (error: Error) => error.message,
      );
    t.is(await undo(1, refuse), 'no');
    t.is(await undo(1), 'no');
    t.deepEqual(await effects(db), ['do']);
    t.is(await undo(2), 'done');
    t.deepEqual(await effects(db), ['do', 'undo']);
  });

  test(`${name}: a refusal without a code is told without one, each time`, async (t) => {
    const db = await prepared(t);
    const no = (): never => {
      throw new Refused('no');
    };
    for (const _ of [1, 2]) {
      const error = await t.throwsAsync<Refused>(way(db, command, write('do', no)), { message: 'no' });
      t.is(error?.code, undefined);
    }
  });

  test(`D1 D2 D5 B5 ${name}: empty, suppressed, contradiction and forward_missing are Refused by their codes`, async (t) => {
    const db = await prepared(t);
    const codeOf = (tx: Partial<FenceCommand>) =>
      way(db, { ...command, ...tx }, write(String(tx.op))).then(
        () => 'done',
        (error: Refused) => error.code,
      );
    const said: unknown[] = [];
    for (const [xid, op] of [
      ['a', 'cancel'],
      ['a', 'try'],
      ['b', 'try'],
      ['b', 'confirm'],
      ['b', 'cancel'],
      ['c', 'confirm'],
    ] as const)
      said.push(await codeOf({ xid, op }));
    said.push(await codeOf({ xid: 'd', op: 'cancel', forward: 'done' }));
    t.deepEqual(said, ['done', 'suppressed', 'done', 'done', 'contradiction', 'forward_missing', 'forward_missing']);
    t.deepEqual(await effects(db), ['try', 'confirm']);
  });

  test(`${name}: the undo is given the stored output`, async (t) => {
    const db = await prepared(t);
    await way(db, command, write('do'));
    const seen: unknown[] = [];
    await way(
      db,
      { ...command, op: 'compensate', output: { effect: 'told' } },
      async (_db, output) => void seen.push(output),
    );
    t.deepEqual(seen, [{ effect: 'do' }]);
  });

  test(`B3 ${name}: an error keeps nothing`, async (t) => {
    const db = await prepared(t);
    const broke = (): never => {
      throw new Error('broke');
    };
    await t.throwsAsync(way(db, command, write('do', broke)), { message: 'broke' });
    t.deepEqual([await effects(db), await rows(db)], [[], []]);
  });

  test(`D8 ${name}: a database that another process holds is Pending`, async (t) => {
    const db = await prepared(t);
    const beside = connect(fileOf(db));
    t.teardown(() => beside.destroy());
    const held = await beside.transaction();
    await held('effects').insert({ effect: 'beside' });
    await t.throwsAsync(way(db, command, write('do')), { instanceOf: Pending });
    await held.rollback();
  });
}

test('B6 the fence takes the connection of the work: anything but an open transaction is refused', async (t) => {
  const db = await prepared(t);
  for (const none of [db, undefined])
    await t.throwsAsync(fence(none as unknown as Knex.Transaction, command, write('do')), {
      instanceOf: TypeError,
      message: /expected an open knex transaction, so that the fence and the work are one commit.*fenced\(knex/,
    });
  t.deepEqual(await effects(db), []);
});

test('B6 what the caller rolls back, the fence forgets with it', async (t) => {
  const db = await prepared(t);
  const trx = await db.transaction();
  await fence(trx, command, write('do'));
  await trx.rollback();
  t.deepEqual([await effects(db), await rows(db)], [[], []]);
});

test('work that broke leaves no row, also where the caller commits what it did itself', async (t) => {
  const db = await prepared(t);
  const trx = await db.transaction();
  const broken = fence(
    trx,
    command,
    write('do', () => {
      throw new Error('broke');
    }),
  );
  await t.throwsAsync(broken, { message: 'broke' });
  await trx.commit();
  t.deepEqual(await rows(db), []);
  await fenced(db, command, write('again'));
  t.deepEqual(await effects(db), ['again']);
});

test('what the caller did in its transaction before a refusal stays', async (t) => {
  const db = await prepared(t);
  const trx = await db.transaction();
  await trx('effects').insert({ effect: 'before' });
  await t.throwsAsync(fence(trx, command, write('do', refuse)), { instanceOf: Refused });
  await trx.commit();
  t.deepEqual(await effects(db), ['before']);
  t.is((await rows(db)).length, 1);
});

test('a command that is none is told what was expected', async (t) => {
  const db = await prepared(t);
  const wrong: readonly [object, RegExp][] = [
    [{ origin: '' }, /tx\.origin to be an id.*got ""/],
    [{ origin: '!a' }, /tx\.origin.*got "!a"/],
    [{ origin: 'a!' }, /tx\.origin.*got "a!"/],
    [{ origin: 'a'.repeat(65) }, /tx\.origin.*got "a{65}"/],
    [{ origin: 5 }, /tx\.origin.*got 5/],
    [{ xid: 'a b' }, /tx\.xid to be an xid, got "a b"/],
    [{ xid: 5 }, /tx\.xid.*got 5/],
    [{ branch: 0 }, /tx\.branch to be a number from 1, got 0/],
    [{ op: 'pay' }, /tx\.op to be an op such as 'action'.*got "pay"/],
  ];
  for (const [field, message] of wrong)
    await t.throwsAsync(fenced(db, { ...command, ...field }, write('do')), { instanceOf: TypeError, message });
});

test('a message is delivered without a forward op', async (t) => {
  const db = await prepared(t);
  for (const _ of [1, 2])
    t.deepEqual(await fenced(db, { ...command, op: 'deliver' }, write('mail')), { effect: 'mail' });
  t.deepEqual(await effects(db), ['mail']);
});

test('a result that cannot be stored is told with the command', async (t) => {
  const db = await prepared(t);
  await t.throwsAsync(
    fenced(
      db,
      command,
      write('do', () => 1n),
    ),
    { message: /^fence, action of branch 1 of x1: expected to return/ },
  );
  t.deepEqual(await effects(db), []);
});

test('a table that was not made is told with what makes it', async (t) => {
  const db = await openBank(t);
  const message = /no table concordat_fence: call prepareFence\(knex\)/;
  await t.throwsAsync(fenced(db, command, write('do')), { message });
  await t.throwsAsync(ways.fence(db, command, write('do')), { message });
});

test('what an external handler left behind is settled by work in the database', async (t) => {
  const db = await prepared(t);
  const left = (xid: string) =>
    db('concordat_fence').insert({ ...keyOf(xid), phase: 1, op: 'try', outcome: 'pending', at: 5 });
  const keyOf = (xid: string) => ({ origin: command.origin, xid, branch: 1 });
  const rowsOf = (xid: string) =>
    db('concordat_fence').where({ xid }).orderBy('phase').select('phase', 'outcome', 'result');
  await left('a');
  await fenced(
    db,
    { ...command, xid: 'a', op: 'confirm', forward: 'done', output: 'told' },
    write('confirm', () => null),
  );
  t.deepEqual(await rowsOf('a'), [
    { phase: 1, outcome: 'done', result: '"told"' },
    { phase: 2, outcome: 'done', result: null },
  ]);
  await left('b');
  for (const _ of [1, 2])
    t.is(
      await fenced(
        db,
        { ...command, xid: 'b', op: 'try' },
        write('try', () => null),
      ),
      null,
    );
  t.deepEqual(await rowsOf('b'), [{ phase: 1, outcome: 'done', result: null }]);
  await left('c');
  for (const _ of [1, 2])
    t.deepEqual(await fenced(db, { ...command, xid: 'c', op: 'try' }, write('again')), { effect: 'again' });
  t.deepEqual(await rowsOf('c'), [{ phase: 1, outcome: 'done', result: '{"effect":"again"}' }]);
  t.deepEqual(await effects(db), ['confirm', 'try', 'again']);
});
