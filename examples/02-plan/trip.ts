import { on, plan } from 'concordat';
import type { Bookings, Payments, Wish } from './services.js';

/**
 * A plan is known as a whole before it runs, and the coordinator drives it: whoever submitted it may go away.
 *
 * By default a step comes after the one before it. Here flight and hotel start at once and run side by side; the payment
 * waits for both and gets what they answered. The references are typed: a typo or a wrong type does not compile.
 */
export const trip = (wish: Wish) =>
  plan('trip')
    .step('flight', on<Bookings>('airline').book, wish)
    .step('hotel', on<Bookings>('hotel').book, wish, { after: [] })
    .step(
      'payment',
      on<Payments>('payment').pay,
      ({ flight, hotel }) => ({ customer: wish.customer, bookings: [flight, hotel] }),
      { after: ['flight', 'hotel'] },
    );
