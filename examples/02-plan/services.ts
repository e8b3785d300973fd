import { participant, Refused, saga } from 'concordat';
import type { Knex } from 'knex';

export interface Wish {
  readonly customer: string;
  readonly place: string;
}

export interface Booking {
  readonly bookingId: number;
  readonly priceCents: number;
}

export interface Bill {
  readonly customer: string;
  readonly bookings: readonly { readonly bookingId: number; readonly priceCents: number }[];
}

export interface Receipt {
  readonly paidCents: number;
}

/** What the services can do, as a plan sees them. */
export interface Bookings {
  book(wish: Wish): Promise<Booking>;
}
export interface Payments {
  pay(bill: Bill): Promise<Receipt>;
}

/** Airlines and hotels: something that has a price and can be full. Written with plain functions, without a class. */
export const bookings = (name: string, db: Knex) =>
  participant({
    name,
    db,
    handlers: {
      book: saga({
        async action({ customer, place }: Wish, tx): Promise<Booking> {
          const offer = await tx.db('offers').where({ place }).where('free', '>', 0).first();
          if (!offer) throw new Refused(`${name}: nothing free for ${place}`, { code: 'full' });
          await tx.db('offers').where({ place }).decrement('free', 1);
          const [bookingId = 0] = await tx.db('bookings').insert({ customer, place });
          return { bookingId, priceCents: offer.price_cents };
        },
        async compensate({ place }, tx) {
          await tx.db('offers').where({ place }).increment('free', 1);
          await tx.db('bookings').where({ id: tx.output.bookingId }).delete();
        },
      }),
    },
  });

export const payments = (db: Knex) =>
  participant({
    name: 'payment',
    db,
    handlers: {
      pay: saga({
        async action({ customer, bookings: booked }: Bill, tx): Promise<Receipt> {
          const paidCents = booked.reduce((sum, { priceCents }) => sum + priceCents, 0);
          await tx.db('payments').insert({ customer, paid_cents: paidCents });
          return { paidCents };
        },
        async compensate({ customer }, tx) {
          await tx.db('payments').where({ customer, paid_cents: tx.output.paidCents }).delete();
        },
      }),
    },
  });
