import { participant, Refused, tcc } from 'concordat';
import type { Knex } from 'knex';

export interface Transfer {
  readonly account: string;
  readonly cents: number;
}

/** What a bank can do, as a caller sees it. */
export interface Bank {
  withdraw(transfer: Transfer): Promise<void>;
  deposit(transfer: Transfer): Promise<void>;
}

export const tables = [
  `create table accounts (
    account text primary key,
    cents integer check (cents >= 0),
    held integer default 0 check (held >= 0),
    open integer not null
  )`,
];

/**
 * A bank with a database of its own. `try` only makes sure that the rest can be done, `confirm` and `cancel` then do it or
 * let go. Until the decision the money is held: it is in neither balance, and nobody can spend it twice.
 */
export const bank = (name: string, db: Knex) =>
  participant({
    name,
    db,
    handlers: {
      withdraw: tcc({
        async try({ account, cents }: Transfer, tx): Promise<void> {
          const rich = tx.db('accounts').where({ account }).where('cents', '>=', cents);
          const held = await rich.decrement('cents', cents).increment('held', cents);
          if (held === 0) throw new Refused(`${account} has less than ${cents} cents`, { code: 'no_money' });
        },
        async confirm({ account, cents }, tx) {
          await tx.db('accounts').where({ account }).decrement('held', cents);
        },
        async cancel({ account, cents }, tx) {
          await tx.db('accounts').where({ account }).decrement('held', cents).increment('cents', cents);
        },
      }),
      deposit: tcc({
        async try({ account }: Transfer, tx): Promise<void> {
          const found = await tx.db('accounts').where({ account, open: 1 }).first();
          if (!found)
            throw new Refused(`${account} takes no money: no such account, or it is closed`, { code: 'closed' });
        },
        async confirm({ account, cents }, tx) {
          await tx.db('accounts').where({ account }).increment('cents', cents);
        },
        // Nothing was done yet, so there is nothing to undo.
        cancel: async () => undefined,
      }),
    },
  });
