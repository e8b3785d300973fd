import { participant, Refused, saga } from 'concordat';
import type { Knex } from 'knex';

export interface Trip {
  readonly customer: string;
  readonly cents: number;
}

/** What the services write to. */
export interface Databases {
  readonly bank: Knex;
  readonly hotel: Knex;
  readonly club: Knex;
}

export const tables = {
  bank: 'create table accounts (owner text primary key, cents integer check (cents >= 0))',
  hotel: 'create table rooms (booking text primary key, customer text)',
  club: 'create table points (customer text, points integer)',
} as const;

const feeCents = 500;

/** Three services that work, until something goes wrong. `mended` says how each should be. */
export const services = ({ bank, hotel, club }: Databases, mended: boolean) => [
  participant({
    name: 'bank',
    db: bank,
    handlers: {
      charge: saga({
        async action({ customer, cents }: Trip, tx): Promise<void> {
          const rich = tx
            .db('accounts')
            .where('owner', customer)
            .where('cents', '>=', cents + feeCents);
          if ((await rich.decrement('cents', cents + feeCents)) === 0) throw new Refused('too little money');
        },
        async compensate({ customer, cents }, tx) {
          // Mistake 1: the fee was taken as well.
          const back = mended ? cents + feeCents : cents;
          await tx.db('accounts').where('owner', customer).increment('cents', back);
        },
      }),
    },
  }),
  participant({
    name: 'hotel',
    handlers: {
      // A hotel with an interface of its own: it has no fence, so these two see to repeats themselves.
      book: saga({
        fence: 'none',
        async action({ customer }: Trip, tx): Promise<void> {
          const booking = `${tx.xid}-${tx.branch}`;
          await hotel('rooms').insert({ booking, customer }).onConflict('booking').ignore();
        },
        async compensate(_, tx) {
          const booking = `${tx.xid}-${tx.branch}`;
          // A booking of nobody keeps out one that comes late.
          if (mended) await hotel('rooms').insert({ booking, customer: null }).onConflict('booking').merge();
          // Mistake 2: nobody may have booked yet, when the request was lost.
          else if ((await hotel('rooms').where({ booking }).update({ customer: null })) === 0)
            throw new Error(`no booking ${booking}`);
        },
      }),
    },
  }),
  participant({
    name: 'club',
    db: club,
    handlers: {
      reward: saga({
        async action({ customer }: Trip, tx): Promise<void> {
          // Mistake 3: a query that is not awaited never runs.
          const reward = tx.db('points').insert({ customer, points: 10 });
          if (mended) await reward;
        },
        async compensate({ customer }, tx) {
          await tx.db('points').insert({ customer, points: -10 });
        },
      }),
    },
  }),
];
