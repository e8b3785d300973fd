/** A payment provider beyond every database of ours: it does what it is asked once for each key, and is reached by wire. */

import type { Clock } from '../../sdk/participant/clock.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { NewEffect } from './database.js';
import type { Weather } from './weather.js';

export interface ProviderParts {
  readonly weather: Weather;
  /** Time that goes on whoever dies. */
  readonly clock: Clock;
  readonly onEffect: (effect: NewEffect) => void;
}

export interface Order {
  readonly xid: string;
  readonly branch: number;
  readonly cell: string;
  readonly amount: number;
}

type Said = 'done' | 'void' | 'sold out' | 'pending';

interface Booked {
  readonly order: Order;
  state: Said;
}

export class Provider {
  readonly cells = new Map<string, number>();
  readonly #parts: ProviderParts;
  readonly #booked = new Map<string, Booked>();

  constructor(parts: ProviderParts) {
    this.#parts = parts;
  }

  /** Takes the money, once for each key. Rejects when nothing is known. */
  charge(caller: Clock, key: string, order: Order): Promise<Said> {
    return this.#call(caller, () => this.#charge(key, order));
  }

  /** Begins a job that takes the money after `ms`, unless it is called off before; then tells `onEnd`. */
  begin(caller: Clock, key: string, order: Order, ms: number, onEnd: (said: Said) => void): Promise<Said> {
    return this.#call(caller, () => {
      const known = this.#booked.get(key);
      if (known) return known.state;
      this.#booked.set(key, { order, state: 'pending' });
      this.#parts.clock.after(ms, () => {
        if (this.#booked.get(key)?.state !== 'pending') return;
        this.#booked.delete(key);
        onEnd(this.#charge(key, order));
      });
      return 'pending';
    });
  }

  /** Gives back what was taken under a key, or sees to it that nothing is taken under it any more. */
  refund(caller: Clock, key: string, order: Order): Promise<Said> {
    return this.#call(caller, () => {
      const known = this.#booked.get(key);
      this.#booked.set(key, { order, state: 'void' });
      if (known?.state === 'done') this.#move('compensate', order, order.amount);
      return 'void';
    });
  }

  #charge(key: string, order: Order): Said {
    const known = this.#booked.get(key);
    if (known) return known.state;
    const left = this.cells.get(order.cell) ?? 0;
    const state = left < order.amount ? 'sold out' : 'done';
    this.#booked.set(key, { order, state });
    if (state === 'done') this.#move('action', order, -order.amount);
    return state;
  }

  #move(op: 'action' | 'compensate', { xid, branch, cell }: Order, by: number): void {
    for (const [name, delta] of [
      [cell, by],
      [`sold:${cell}`, -by],
    ] as const)
      this.cells.set(name, (this.cells.get(name) ?? 0) + delta);
    this.#parts.onEffect({
      xid: xid as Xid,
      branch,
      op,
      deltas: [
        [cell, by],
        [`sold:${cell}`, -by],
      ],
      isMarked: false,
    });
  }

  /** There and back over a wire that loses. */
  #call<T>(caller: Clock, work: () => T): Promise<T> {
    const { weather, clock } = this.#parts;
    const lost = weather.hits('provider request lost');
    const answerLost = !lost && weather.hits('provider answer lost');
    return new Promise((resolve, reject) => {
      if (lost) return void caller.after(300, () => reject(new Error('the provider does not answer')));
      clock.after(1, () => {
        const said = work();
        if (answerLost) caller.after(300, () => reject(new Error('the answer of the provider was lost')));
        else caller.after(1, () => resolve(said));
      });
    });
  }
}
