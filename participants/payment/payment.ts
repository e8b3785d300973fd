import { type Branch, Participant, Pending, Refused, Saga, type Settle } from 'concordat';
import type { Knex } from 'knex';
import { recordEffect } from '../effects.js';
import { amountCentsMax, fields } from '../fields.js';
import type { Metadata, Provider } from './provider.js';

export interface Charge {
  readonly customer: string;
  readonly orderId: number;
  readonly amountCents: number;
}

export interface Receipt {
  readonly paymentId: number;
}

/** What the provider calls the charge. */
export interface Transferred {
  readonly chargeId: string;
}

/**
 * The payment service. `charge` takes money from a customer's account here; `transfer` has a payment provider take it,
 * who keeps books of its own.
 */
@Participant('payment', { db: (service: PaymentService) => service.db })
export class PaymentService {
  readonly db: Knex;
  readonly #provider: Provider | undefined;

  /** The database has the tables of `preparePayment`. Without a provider, transfers are refused. */
  constructor(db: Knex, provider?: Provider) {
    this.db = db;
    this.#provider = provider;
  }

  @Saga({ compensate: 'refund' })
  async charge(input: Charge, tx: Branch): Promise<Receipt> {
    const { customer, orderId, amountCents } = readCharge(input);
    const taken = await tx
      .db('accounts')
      .where({ customer, closed: false })
      .where('balance_cents', '>=', amountCents)
      .decrement('balance_cents', amountCents);
    if (taken !== 1) throw await whyNot(tx.db, customer, amountCents);
    const { origin, xid, branch } = tx;
    const row = { origin, xid, branch, customer, order_id: orderId, amount_cents: amountCents, status: 'captured' };
    const [inserted] = await tx.db('payments').insert(row).returning<{ id: number }[]>('id');
    if (!inserted) throw new Error('expected the id of the new payment');
    await recordEffect(tx, 'payment.charged', { paymentId: inserted.id, orderId, customer, amountCents });
    return { paymentId: inserted.id };
  }

  /** Gives the money back, to a closed account too: it is the customer's. */
  async refund(_input: Charge, tx: Settle<Receipt>): Promise<void> {
    const { paymentId } = tx.output;
    const [payment] = await tx
      .db('payments')
      .where({ id: paymentId, status: 'captured' })
      .update({ status: 'refunded' })
      .returning<{ customer: string; amount_cents: number }[]>(['customer', 'amount_cents']);
    if (!payment) throw new Error(`expected payment ${paymentId} to be captured`);
    const { customer, amount_cents: amountCents } = payment;
    const given = await tx.db('accounts').where({ customer }).increment('balance_cents', amountCents);
    if (given !== 1) throw new Error(`expected an account of ${customer}`);
    await recordEffect(tx, 'payment.refunded', { paymentId, customer, amountCents });
  }

  /**
   * No transaction is open while it runs; what makes it happen once is the key that the provider is given. `runMs`: when
   * this process dies in the middle, the next attempt begins after that.
   */
  @Saga({ compensate: 'cancelTransfer', external: true, runMs: 5000 })
  async transfer(input: Charge, tx: Branch): Promise<Transferred> {
    if (!this.#provider) throw new Refused('no payment provider is known here', { code: 'no_provider' });
    const { customer, amountCents } = readCharge(input);
    const order = { customer, amountCents, metadata: metadataOf(tx) };
    const said = await this.#provider.charge(tx.idempotencyKey, order, tx.signal);
    switch (said.kind) {
      case 'charged':
        return { chargeId: said.chargeId };
      case 'declined':
        throw new Refused(said.reason, { code: said.code });
      case 'processing':
        throw new Pending({ retryAfterMs: said.retryAfterMs });
    }
  }

  /**
   * Cancels by the key of the charge: whether it took place may be unknown here. A charge that comes later under that key
   * is declined.
   */
  async cancelTransfer(_input: Charge, tx: Settle<Transferred | undefined>): Promise<void> {
    if (!this.#provider) throw new Error('expected a payment provider: something may have been transferred');
    await this.#provider.cancel(tx.forwardKey, metadataOf(tx), tx.signal);
  }
}

const metadataOf = ({ origin, xid, branch }: Branch): Metadata => ({ origin, xid, branch });

function readCharge(input: Charge): Charge {
  const charge = fields(input);
  const customer = charge.text('customer');
  const orderId = charge.count('orderId', Number.MAX_SAFE_INTEGER);
  return { customer, orderId, amountCents: charge.count('amountCents', amountCentsMax) };
}

async function whyNot(trx: Knex, customer: string, amountCents: number): Promise<Refused> {
  const account = await trx('accounts')
    .where({ customer })
    .first<{ balance_cents: number; closed: number } | undefined>();
  if (!account) return new Refused(`unknown customer: ${customer}`, { code: 'unknown_customer' });
  if (account.closed) return new Refused(`account closed: ${customer}`, { code: 'account_closed' });
  return new Refused(`insufficient funds: ${amountCents} cents asked, ${account.balance_cents} there`, {
    code: 'insufficient_funds',
  });
}
