/** A real coordinator, a bank behind a real host with a SQLite file, and a client; everything over HTTP. */
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import knex, { type Knex } from 'knex';
import { loadConfig } from '../../coordinator/config.js';
import { run } from '../../coordinator/main.js';
import {
  type Branch,
  Check,
  type CheckAnswer,
  type Client,
  connect,
  Participant,
  Pending,
  Refused,
  type Remote,
  Saga,
  type Settle,
  serve,
  Tcc,
} from '../../sdk/index.js';
import { temporary } from '../helpers/temporary.js';

export interface Transfer {
  readonly account: string;
  readonly amount: number;
}

export interface Receipt {
  readonly id: number;
}

/** Everybody has 100 at first. What takes effect is a row, and so is what undoes it. */
@Participant('bank', { db: (bank: Bank) => bank.db })
export class Bank {
  readonly db: Knex;
  /** Called by `slowly` while it is at work. */
  onSlowly: (tx: Branch) => Promise<void> = async () => undefined;

  constructor(db: Knex) {
    this.db = db;
  }

  @Saga({ compensate: 'refund' })
  async charge({ account, amount }: Transfer, tx: Branch): Promise<Receipt> {
    const [{ spent } = { spent: 0 }] = await tx.db('moves').where({ account }).sum({ spent: 'amount' });
    if (100 - Number(spent) < amount) throw new Refused(`${account} has not enough`, { code: 'insufficient_funds' });
    return book(tx, 'charged', account, amount);
  }

  async refund({ account, amount }: Transfer, tx: Settle<Receipt>): Promise<void> {
    await book(tx, `refunded ${tx.output.id}`, account, -amount);
  }

  @Tcc({ confirm: 'take', cancel: 'release' })
  async hold({ account, amount }: Transfer, tx: Branch): Promise<Receipt> {
    return book(tx, 'held', account, amount);
  }

  async take({ account }: Transfer, tx: Settle<Receipt>): Promise<void> {
    await book(tx, 'taken', account, 0);
  }

  async release({ account, amount }: Transfer, tx: Settle<Receipt>): Promise<void> {
    await book(tx, 'released', account, -amount);
  }

  @Saga({ compensate: 'refund' })
  async broken(_input: Transfer, _tx: Branch): Promise<Receipt> {
    throw new Error('the bank is broken');
  }

  /** What {@link Bank.ended} answers. */
  answer: CheckAnswer = 'unknown';

  @Check()
  async ended(_tx: { readonly xid: string }): Promise<CheckAnswer> {
    return this.answer;
  }

  @Saga({ compensate: 'giveBack', external: true })
  async later(_input: Transfer, tx: Branch): Promise<Receipt> {
    await this.onSlowly(tx);
    throw new Pending({ retryAfterMs: 60_000 });
  }

  @Saga({ compensate: 'giveBack', external: true })
  async slowly(_input: Transfer, tx: Branch): Promise<Receipt> {
    await this.onSlowly(tx);
    return { id: 0 };
  }

  async giveBack(_input: Transfer, _tx: Settle<Receipt | undefined>): Promise<void> {
    // Nothing is kept of it here.
  }
}

async function book(tx: Branch, what: string, account: string, amount: number): Promise<Receipt> {
  const [row] = await tx.db('moves').insert({ xid: tx.xid, what, account, amount }).returning<Receipt[]>('id');
  if (!row) throw new Error('expected the new row');
  return { id: row.id };
}

export interface World {
  readonly client: Client;
  readonly url: string;
  readonly bank: Remote<Bank>;
  /** The instance that is served. */
  readonly service: Bank;
  /** What took effect in an account, in order. */
  effects(account: string): Promise<readonly string[]>;
  balance(account: string): Promise<number>;
  /** Resolves when nothing more happens to a transaction. */
  settled(xid: string): Promise<string>;
}

/** A coordinator in this process, with a file for its store. */
async function startCoordinator(directory: string) {
  const flags = { listen: '127.0.0.1:0', store: `sqlite:${directory}/log.db`, logLevel: 'silent' };
  return run(loadConfig({ flags, env: {}, directory }));
}

/** With a coordinator of its own, unless it is given one. */
export async function startBank(t: ExecutionContext, given?: { readonly url: string }): Promise<World> {
  const directory = await temporary(t);
  const own = given ? undefined : await startCoordinator(directory);
  const url = given?.url ?? own?.url ?? '';
  const client = connect({ url });
  const db = knex({
    client: 'sqlite3',
    connection: { filename: path.join(directory, 'bank.db') },
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
  });
  await db.schema.createTable('moves', (table) => {
    table.increments('id');
    for (const name of ['xid', 'what', 'account']) table.string(name);
    table.integer('amount');
  });
  const service = new Bank(db);
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const host = await serve({ participants: [service], coordinator: client, listen: '127.0.0.1:0', log, graceMs: 100 });
  await host.registered;
  t.teardown(async () => {
    await host.close();
    await client.close();
    await own?.stop();
    await db.destroy();
  });
  const moves = (account: string) => db('moves').where({ account }).orderBy('id');
  return {
    client,
    url,
    bank: client.remote<Bank>('bank'),
    service,
    effects: async (account) => (await moves(account)).map(({ what }) => what.replace(/ \d+$/, '')),
    balance: async (account) => (await moves(account)).reduce((left, { amount }) => left - amount, 100),
    settled: async (xid) => (await client.wait(xid)).status,
  };
}
