/** The process of a service on the SDK: three fenced sagas on one SQLite file. The effect of each op is a row. */
import { setImmediate as turn } from 'node:timers/promises';
import { participant as define, Refused, saga, serve } from 'concordat';
import type { Knex } from 'knex';
import { openDatabase } from '../../participants/database.js';
import { answerParent } from './parent.js';
import { letterOf, participant, type StepInput, type StepName, steps } from './work.js';

/**
 * Opens its database and makes itself known; counts its database's statements from now on, beginning with those of one
 * effect in a transaction of its own; or tells how many there were since it was asked last.
 */
export type Ask = { readonly coordinatorUrl: string; readonly file: string } | 'trace' | 'statements';

let db: Knex | undefined;
let statements = 0;

/** Is not counted. */
const last = 'select 1';

const effectsTable = `create table effects (
  id integer primary key autoincrement,
  xid text not null,
  letter text not null
)`;

const record = async (trx: Knex, xid: string, path: string): Promise<void> => {
  await trx('effects').insert({ xid, letter: letterOf(path, false) });
};

const handlerOf = (step: StepName) =>
  saga({
    async action({ refuse }: StepInput, tx) {
      if (refuse && step === 'stock') throw new Refused('out of stock');
      await record(tx.db, tx.xid, `/${step}/action`);
      return { ok: true, xid: tx.xid };
    },
    compensate: (_input, tx) => record(tx.db, tx.xid, `/${step}/compensate`),
  });

async function start(coordinatorUrl: string, file: string): Promise<void> {
  const opened = openDatabase(file);
  await opened.raw(effectsTable);
  const handlers = Object.fromEntries(steps.map((step) => [step, handlerOf(step)]));
  const host = await serve({
    participants: [define({ name: participant, db: opened, handlers })],
    coordinator: coordinatorUrl,
    listen: '127.0.0.1:0',
  });
  await host.registered;
  db = opened;
}

/** SQLite itself says what it runs. There is one connection. */
async function trace(opened: Knex): Promise<number> {
  const raw = await opened.client.acquireConnection();
  await opened.client.releaseConnection(raw);
  raw.on('trace', (sql: string) => {
    if (sql !== last) statements++;
  });
  await opened.transaction((trx) => record(trx, 'alone', '/order/action'));
  return take();
}

/** What was run is told of in a later turn of the loop. By the answer to one more, all before it were told. */
async function take(): Promise<number> {
  await db?.raw(last);
  await turn();
  const count = statements;
  statements = 0;
  return count;
}

answerParent(async (ask: Ask): Promise<number | undefined> => {
  if (typeof ask === 'object') await start(ask.coordinatorUrl, ask.file);
  else if (db) return ask === 'trace' ? trace(db) : take();
  return undefined;
});
