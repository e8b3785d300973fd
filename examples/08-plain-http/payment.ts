import type { Knex } from 'knex';
import { Refused } from './answers.js';
import type { Definition, Work } from './definition.js';
import { fields } from './input.js';

/** A saga: `charge` takes money at once, and its undo gives it back. Money is whole cents. */
export const payment: Definition = {
  name: 'payment',
  tables: [
    `create table if not exists accounts (
      customer text primary key,
      balance_cents integer not null check (balance_cents >= 0)
    )`,
    `create table if not exists payments (
      id integer primary key autoincrement,
      customer text not null references accounts (customer),
      amount_cents integer not null check (amount_cents > 0),
      status text not null check (status in ('captured', 'refunded'))
    )`,
  ],
  firstRows: [`insert or ignore into accounts values ('ann', 10000), ('bob', 100)`],
  handlers: { charge: { action: charge, compensate: refund } },
};

async function charge({ trx, input }: Parameters<Work>[0]) {
  const customer = fields(input).text('customer');
  const amountCents = fields(input).count('amountCents', 1_000_000_000);
  const taken = await trx('accounts')
    .where({ customer })
    .where('balance_cents', '>=', amountCents)
    .decrement('balance_cents', amountCents);
  if (taken !== 1) throw await whyNot(trx, customer, amountCents);
  const row = { customer, amount_cents: amountCents, status: 'captured' };
  const [inserted] = await trx('payments').insert(row).returning<{ id: number }[]>('id');
  if (!inserted) throw new Error('expected the id of the new payment');
  return { output: { paymentId: inserted.id }, effect: 'payment.charged' };
}

async function whyNot(trx: Knex, customer: string, amountCents: number): Promise<Refused> {
  const account = await trx('accounts').where({ customer }).first<{ balance_cents: number } | undefined>();
  if (!account) return new Refused('unknown_customer', `unknown customer: ${customer}`);
  return new Refused(
    'insufficient_funds',
    `insufficient funds: ${amountCents} cents asked, ${account.balance_cents} there`,
  );
}

async function refund({ trx, output }: Parameters<Work>[0]) {
  const paymentId = fields(output, 'output').count('paymentId', Number.MAX_SAFE_INTEGER);
  const [given] = await trx('payments')
    .where({ id: paymentId, status: 'captured' })
    .update({ status: 'refunded' })
    .returning<{ customer: string; amount_cents: number }[]>(['customer', 'amount_cents']);
  if (!given) throw new Error(`expected payment ${paymentId} to be captured`);
  await trx('accounts').where({ customer: given.customer }).increment('balance_cents', given.amount_cents);
  return { output: { paymentId }, effect: 'payment.refunded' };
}
