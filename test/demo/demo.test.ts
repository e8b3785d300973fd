import { once } from 'node:events';
import { copyFile, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import test from 'ava';
import { audit } from '../../participants/audit/audit.js';
import { everyTransaction } from '../../participants/audit/told.js';
import { openDatabase } from '../../participants/database.js';
import { temporary } from '../participants/shop.js';
import { lives, startDemo } from './run.js';

// One after the other: a demo must not take the port of another's service that is down for a moment.
test.serial(
  'A9 B1 B2 the demo places orders through two kills, finds every invariant to hold, and ends with status 0',
  async (t) => {
    const demo = startDemo(t, '--exit', '--orders', '12');
    t.is(await demo.ended, 0, demo.printed());
    const printed = demo.printed();
    t.regex(printed, /orders placed +12\n/);
    t.regex(printed, / {2}committed +8\n/);
    t.regex(printed, /rolled back: 'payment' was refused: insufficient funds +2\n/);
    t.regex(printed, /rolled back: 'payment' was refused: account closed +1\n/);
    t.regex(printed, /rolled back: 'stock' was refused: sold out +1\n/);
    t.regex(printed, /payment killed \(SIGKILL\)/);
    t.regex(printed, /coordinator killed \(SIGKILL\)/);
    for (const invariant of ['I3 acknowledged', 'I10 ends', 'I1 atomic', 'I5 once', 'I7 paired', 'I9 conserved']) {
      t.regex(printed, new RegExp(`${invariant} +[1-9]\\d* +holds\\n`));
    }
    t.deepEqual(demo.pids().filter(lives), []);
  },
);

test.serial(
  'the demo stays up to be looked at, on a free port when its own is taken, and its books can be audited again',
  async (t) => {
    const taker = createServer();
    taker.listen(8090, '127.0.0.1');
    await Promise.race([once(taker, 'listening'), once(taker, 'error')]);
    t.teardown(() => taker.close());

    const data = await temporary(t);
    const demo = startDemo(t, '--orders', '8', '--data', data);
    await demo.says('Everything stays up until Ctrl-C.');
    const coordinator = await demo.says(/coordinator +(http:\S+)/);
    t.not(new URL(coordinator).port, '8090');
    const told = await everyTransaction(coordinator);
    t.is(told.length, 8);

    // A forged copy of the books is found out; the true ones hold.
    const [order, payment, stock] = ['order', 'payment', 'stock'].map((name) => path.join(data, `${name}.db`));
    const databases = { order: order!, payment: payment!, stock: stock! };
    const violationsOf = async (books: typeof databases) =>
      (await audit(books, told)).flatMap(({ violations }) => violations);
    t.deepEqual(await violationsOf(databases), []);
    demo.interrupt();
    t.is(await demo.ended, 0, demo.printed());
    t.deepEqual(demo.pids().filter(lives), []);
    t.true((await readdir(data)).includes('coordinator.db'));

    const forged = path.join(data, 'forged.db');
    await copyFile(databases.payment, forged);
    const db = openDatabase(forged);
    t.teardown(() => db.destroy());
    await db('effects').where({ effect: 'payment.charged' }).delete();
    t.true((await violationsOf({ ...databases, payment: forged })).length > 0);
  },
);

test.serial('the demo leaves no process behind when it is interrupted on the way', async (t) => {
  const demo = startDemo(t, '--orders', '100');
  await demo.says(/SIGKILL to the payment process/);
  demo.interrupt();
  t.is(await demo.ended, 130, demo.printed());
  t.true(demo.pids().length >= 4);
  t.deepEqual(demo.pids().filter(lives), []);
});

test.serial('the demo says what it takes, and what is wrong with what it got', async (t) => {
  const help = startDemo(t, '--help');
  t.is(await help.ended, 0);
  t.regex(help.printed(), /--orders N/);
  for (const [args, complaint] of [
    [['--orders', 'many'], /--orders: expected a whole number from 1 to 100000, got many/],
    [['--order', '3'], /--order/],
    [['--data', import.meta.dirname], /--data: expected an empty or new directory/],
  ] as const) {
    const demo = startDemo(t, ...args);
    t.is(await demo.ended, 2);
    t.regex(demo.printed(), complaint);
  }
});
