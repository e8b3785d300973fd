/** What the participants of a workload do: lists that are appended to and read, and a bank. Each keeps all in one database. */
import type { Branch } from '../../sdk/participant/branch.js';
import { type participant, saga, tcc } from '../../sdk/participant/define.js';
import { Refused } from '../../sdk/protocol/answers.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { OpenTransaction } from '../../sdk/resources/database.js';
import { Disk, type NewEffect, type Transaction } from '../simulation/database.js';
import { asDb } from '../simulation/shop.js';
import type { MicroOp } from './records.js';

/** A database with lists beside its balances. */
export class Shelf extends Disk {
  readonly lists = new Map<string, readonly number[]>();
  /** What an effect's handler read and appended. */
  readonly micro = new WeakMap<NewEffect, readonly MicroOp[]>();
  readonly #opened = new WeakMap<OpenTransaction, Transaction>();

  /** What handlers are given for the transaction. */
  readonly dbOf = (transaction: Transaction): OpenTransaction => {
    const db = asDb(transaction);
    this.#opened.set(db, transaction);
    return db;
  };

  transactionOf({ db }: Branch): Transaction {
    const transaction = this.#opened.get(db);
    if (!transaction) throw new Error('expected the transaction that the fence opened');
    return transaction;
  }
}

/** What one step reads, and what it appends. */
export interface ListTask {
  readonly reads: readonly string[];
  readonly appends: readonly (readonly [key: string, element: number])[];
}

export interface MoneyTask {
  readonly account: string;
  readonly amount: number;
}

export interface Habits {
  readonly name: string;
  readonly shelf: Shelf;
  /** Refuses this command, by chance. */
  readonly refuses: () => boolean;
  /** The protection that is taken out: a reservation shows what it will append. */
  readonly showsReservations: boolean;
}

type Handlers = Parameters<typeof participant>[0]['handlers'];

export function handlersOf(habits: Habits): Handlers {
  return { ...listHandlers(habits), ...bankHandlers(habits) };
}

function listHandlers({ name, shelf, refuses, showsReservations }: Habits): Handlers {
  const read = (transaction: Transaction, { reads }: ListTask): MicroOp[] => {
    if (transaction.isOver) throw new Error('expected an open transaction');
    return reads.map((key) => ['read', `${name}/${key}`, shelf.lists.get(key) ?? []]);
  };
  const append = (transaction: Transaction, { appends }: ListTask): MicroOp[] =>
    appends.map(([key, element]) => {
      transaction.write(shelf.lists, key, [...(shelf.lists.get(key) ?? []), element]);
      return ['append', `${name}/${key}`, element];
    });
  const remove = (transaction: Transaction, { appends }: ListTask): MicroOp[] => {
    for (const [key, element] of appends)
      transaction.write(
        shelf.lists,
        key,
        (shelf.lists.get(key) ?? []).filter((each) => each !== element),
      );
    return [];
  };
  type Part = typeof append;
  const work =
    (...parts: readonly Part[]) =>
    async (task: ListTask, tx: Branch): Promise<void> => {
      const transaction = shelf.transactionOf(tx);
      note(shelf, transaction, tx, { micro: parts.flatMap((part) => part(transaction, task)) });
    };
  const orRefuse = (then: ReturnType<typeof work>) => async (task: ListTask, tx: Branch) => {
    if (refuses()) throw new Refused('no', { code: 'no' });
    await then(task, tx);
    return { ok: true };
  };
  return {
    put: saga<ListTask, { ok: boolean }>({ action: orRefuse(work(read, append)), compensate: work(remove) }),
    reserve: tcc<ListTask, { ok: boolean }>({
      try: orRefuse(showsReservations ? work(read, append) : work(read)),
      confirm: showsReservations ? work() : work(append),
      cancel: showsReservations ? work(remove) : work(),
    }),
  };
}

function bankHandlers({ name, shelf, refuses }: Habits): Handlers {
  type Deltas = (task: MoneyTask) => readonly (readonly [string, number])[];
  const move = (deltas: Deltas) => async (task: MoneyTask, tx: Branch) => {
    const transaction = shelf.transactionOf(tx);
    for (const [cell, by] of deltas(task))
      if (transaction.get(cell) + by < 0) throw new Refused('too little', { code: 'too_little' });
    for (const [cell, by] of deltas(task)) transaction.add(cell, by);
    note(shelf, transaction, tx, { deltas: deltas(task).map(([cell, by]) => [`${name}/${cell}`, by] as const) });
    return { ok: true };
  };
  const settle = (deltas: Deltas) => async (task: MoneyTask, tx: Branch) => void (await move(deltas)(task, tx));
  const orRefuse = (then: ReturnType<typeof move>) => async (task: MoneyTask, tx: Branch) => {
    if (refuses()) throw new Refused('closed', { code: 'closed' });
    return then(task, tx);
  };
  type Done = { ok: boolean };
  return {
    withdraw: saga<MoneyTask, Done>({
      action: move(({ account, amount }) => [[account, -amount]]),
      compensate: settle(({ account, amount }) => [[account, amount]]),
    }),
    deposit: saga<MoneyTask, Done>({
      action: orRefuse(move(({ account, amount }) => [[account, amount]])),
      compensate: settle(({ account, amount }) => [[account, -amount]]),
    }),
    hold: tcc<MoneyTask, Done>({
      try: move(({ account, amount }) => [
        [account, -amount],
        [`held:${account}`, amount],
      ]),
      confirm: settle(({ account, amount }) => [[`held:${account}`, -amount]]),
      cancel: settle(({ account, amount }) => [
        [`held:${account}`, -amount],
        [account, amount],
      ]),
    }),
    announce: tcc<MoneyTask, Done>({
      try: orRefuse(move(({ account, amount }) => [[`pending:${account}`, amount]])),
      confirm: settle(({ account, amount }) => [
        [`pending:${account}`, -amount],
        [account, amount],
      ]),
      cancel: settle(({ account, amount }) => [[`pending:${account}`, -amount]]),
    }),
    count: saga<MoneyTask, Done>({
      action: async (_, tx) => {
        const transaction = shelf.transactionOf(tx);
        let sum = 0;
        for (const [cell, left] of shelf.cells) if (!cell.startsWith('pending:')) sum += left;
        note(shelf, transaction, tx, { micro: [['total', name, sum]] });
        return { ok: true };
      },
      compensate: async (_, tx) => note(shelf, shelf.transactionOf(tx), tx, {}),
    }),
  };
}

/** Writes the ledger. */
function note(
  shelf: Shelf,
  transaction: Transaction,
  { xid, branch, op }: Branch,
  { micro = [], deltas = [] }: { micro?: readonly MicroOp[]; deltas?: NewEffect['deltas'] },
): void {
  const effect: NewEffect = { xid: xid as Xid, branch, op, deltas, isMarked: false };
  shelf.micro.set(effect, micro);
  transaction.note(effect);
}
