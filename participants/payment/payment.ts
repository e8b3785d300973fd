import type { Knex } from 'knex';
import { Refused } from '../answers.js';
import type { Work } from '../definition.js';
import { amountCentsMax, fields } from '../fields.js';
import { type Service, type ServiceOptions, startService } from '../service.js';
import { paymentTables } from './tables.js';

export interface PaymentOptions extends ServiceOptions {
  /** Opening balance in cents by customer, for accounts that are not there yet. */
  readonly accounts?: ReadonlyMap<string, number>;
  /** Customers among them whose account is closed. */
  readonly closed?: readonly string[];
}

/** The payment service: `charge` takes money from a customer's account. */
export const startPayment = ({ accounts, closed = [], ...options }: PaymentOptions): Promise<Service> =>
  startService(
    { name: 'payment', tables: paymentTables, seed: (db) => open(db, accounts ?? new Map(), closed), handlers },
    options,
  );

async function open(db: Knex, accounts: ReadonlyMap<string, number>, closed: readonly string[]): Promise<void> {
  for (const [customer, cents] of accounts) {
    const row = { customer, opening_cents: cents, balance_cents: cents, closed: closed.includes(customer) };
    await db('accounts').insert(row).onConflict('customer').ignore();
  }
}

const charge: Work = async ({ trx, branch: { origin, xid, branch }, input }) => {
  const order = fields(input);
  const customer = order.text('customer');
  const orderId = order.count('orderId', Number.MAX_SAFE_INTEGER);
  const amountCents = order.count('amountCents', amountCentsMax);
  const taken = await trx('accounts')
    .where({ customer, closed: false })
    .where('balance_cents', '>=', amountCents)
    .decrement('balance_cents', amountCents);
  if (taken !== 1) throw await whyNot(trx, customer, amountCents);
  const row = { origin, xid, branch, customer, order_id: orderId, amount_cents: amountCents, status: 'captured' };
  const [inserted] = await trx('payments').insert(row).returning<{ id: number }[]>('id');
  if (!inserted) throw new Error('expected the id of the new payment');
  const details = { paymentId: inserted.id, orderId, customer, amountCents };
  return { output: { paymentId: inserted.id }, effect: { effect: 'payment.charged', details } };
};

async function whyNot(trx: Knex, customer: string, amountCents: number): Promise<Refused> {
  const account = await trx('accounts')
    .where({ customer })
    .first<{ balance_cents: number; closed: number } | undefined>();
  if (!account) return new Refused('unknown_customer', `unknown customer: ${customer}`);
  if (account.closed) return new Refused('account_closed', `account closed: ${customer}`);
  return new Refused(
    'insufficient_funds',
    `insufficient funds: ${amountCents} cents asked, ${account.balance_cents} there`,
  );
}

/** Gives the money back, to a closed account too: it is the customer's. */
const refund: Work = async ({ trx, output }) => {
  const paymentId = fields(output, 'output').count('paymentId', Number.MAX_SAFE_INTEGER);
  const [payment] = await trx('payments')
    .where({ id: paymentId, status: 'captured' })
    .update({ status: 'refunded' })
    .returning<{ customer: string; amount_cents: number }[]>(['customer', 'amount_cents']);
  if (!payment) throw new Error(`expected payment ${paymentId} to be captured`);
  const { customer, amount_cents: amountCents } = payment;
  const given = await trx('accounts').where({ customer }).increment('balance_cents', amountCents);
  if (given !== 1) throw new Error(`expected an account of ${customer}`);
  return {
    output: { paymentId },
    effect: { effect: 'payment.refunded', details: { paymentId, customer, amountCents } },
  };
};

const handlers = { charge: { kind: 'saga', ops: { action: charge, compensate: refund } } } as const;
