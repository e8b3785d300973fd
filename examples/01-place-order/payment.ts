import { type Branch, Participant, Refused, Saga, type Settle } from 'concordat';
import type { Knex } from 'knex';

export interface Charge {
  readonly customer: string;
  readonly amountCents: number;
}

@Participant('payment', { db: (service: PaymentService) => service.db })
export class PaymentService {
  readonly db: Knex;

  constructor(db: Knex) {
    this.db = db;
  }

  static readonly tables = [
    `create table accounts (customer text primary key, balance_cents integer check (balance_cents >= 0))`,
    `insert into accounts values ('ann', 10000), ('bob', 100)`,
  ];

  @Saga({ compensate: 'refund' })
  async charge({ customer, amountCents }: Charge, tx: Branch): Promise<void> {
    const charged = await tx
      .db('accounts')
      .where({ customer })
      .where('balance_cents', '>=', amountCents)
      .decrement('balance_cents', amountCents);
    if (charged === 0) throw new Refused(`${customer} has less than ${amountCents} cents`, { code: 'no_money' });
  }

  async refund({ customer, amountCents }: Charge, tx: Settle<void>): Promise<void> {
    await tx.db('accounts').where({ customer }).increment('balance_cents', amountCents);
  }
}
