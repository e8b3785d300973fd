/** The code of a transaction as an application writes it, and what it sees: `client.run` with calls of participants. */
import type { Client } from '../../sdk/client/client.js';
import type { CurrentTransaction } from '../../sdk/client/context.js';
import { RolledBack, TransactionEnded, Uncertain } from '../../sdk/client/errors.js';
import { mayBeDone } from '../../sdk/client/reasons.js';
import { Refused } from '../../sdk/protocol/answers.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Dice } from './chance.js';
import type { CallHeard, Heard } from './history.js';
import type { Task } from './shop.js';
import type { Simulation } from './simulation.js';

/** What an error of a call says of the call. */
export function sawOf(error: unknown): CallHeard['saw'] {
  if (error instanceof RolledBack) return 'rolled back';
  return error instanceof Uncertain ? 'unknown' : 'failed';
}

/** One step, for a plan as for a call. */
export interface Errand {
  readonly id: string;
  readonly participant: string;
  readonly handler: string;
  readonly input: Task;
}

/** Whose code it is. */
export interface Buyer {
  readonly client: Client;
  readonly dice: Dice;
  readonly simulation: Simulation;
  xid(): Xid;
  /** Its process dies. */
  goes(): void;
  errand(handler: string, amount?: number): Errand;
  heard(asked: string, said: Heard['said'], calls?: readonly CallHeard[]): void;
}

class Thrown extends Error {}

export class Purchase {
  readonly #buyer: Buyer;
  readonly #calls: CallHeard[] = [];
  /** It must not be committed, whatever else happens: the code saw to that. */
  #isDoomed = false;
  #hasBegun = false;
  #isOver = false;

  constructor(buyer: Buyer) {
    this.#buyer = buyer;
  }

  async run(): Promise<void> {
    const { client, dice } = this.#buyer;
    const wait = dice.chance(0.3) ? ('final' as const) : ('decision' as const);
    const asked = dice.chance(0.25);
    const ask = { onTimeout: 'ask' as const, check: { participant: 'p0', handler: 'ask' } };
    const options = { name: 'purchase', timeoutMs: dice.between(1500, 15_000), wait, ...(asked && ask) };
    let said: Heard['said'];
    try {
      await client.run(options, (tx) => (asked ? this.#withWorkOfItsOwn() : this.#body(tx)));
      said = 'commit';
      if (this.#isDoomed) this.#wrong('I2 its code saw to it that it is not committed, and it was told it is');
    } catch (error) {
      said = this.#saidBy(error);
    }
    this.#isOver = true;
    this.#buyer.heard('run', said, this.#calls);
    if (this.#isDoomed) this.#buyer.heard('run', 'not committed');
  }

  async #body(tx: CurrentTransaction): Promise<void> {
    this.#hasBegun = true;
    const { dice, simulation } = this.#buyer;
    const { weather } = simulation;
    if (dice.chance(0.3)) await this.#transfers();
    for (let left = dice.between(0, 2); left > 0; left--) await this.#goesOn(this.#call('move'));
    if (dice.chance(0.5)) await this.#pays();
    await this.#mayGo();
    if (weather.hits('client code leaves a call unawaited')) this.#leaves(dice.one(['move', 'charge', 'notify']));
    if (weather.hits('client code swallows what an inner one threw')) await this.#nested();
    if (weather.hits('client code goes on after the end')) this.#later();
    if (weather.hits('client code marks rollback-only')) this.#marks(tx);
    if (weather.hits('client code throws')) {
      this.#isDoomed = true;
      throw new Thrown('the code of the client broke');
    }
  }

  /** Commits something of its own where it calls: whoever asks how that ended is told, and the first word on it stays. */
  async #withWorkOfItsOwn(): Promise<void> {
    this.#hasBegun = true;
    const { dice, simulation } = this.#buyer;
    const { markers } = simulation;
    const xid = this.#buyer.xid();
    try {
      for (let left = dice.between(1, 3); left > 0; left--) await this.#call(dice.one(['move', 'charge', 'notify']));
      await this.#mayGo();
      if (markers.get(xid) === 'rollback') throw new Thrown('its own work was rolled back when somebody asked');
    } catch (error) {
      if (!markers.has(xid)) markers.set(xid, 'rollback');
      throw error;
    }
    markers.set(xid, 'commit');
    await this.#mayGo();
  }

  /** Its process may die there, and nobody goes on. */
  async #mayGo(): Promise<void> {
    if (!this.#buyer.simulation.weather.hits('client gone')) return;
    this.#buyer.goes();
    await new Promise<never>(() => undefined);
  }

  /** Both or none. */
  async #transfers(): Promise<void> {
    const amount = this.#buyer.dice.between(1, 4);
    await Promise.all([this.#call('hold', amount), this.#call('deposit', amount)]);
  }

  /** At one provider, else at another: never at both. */
  async #pays(): Promise<void> {
    try {
      await this.#call('charge');
    } catch {
      await this.#call(this.#buyer.dice.one(['charge', 'move']));
    }
  }

  async #goesOn(call: Promise<unknown>): Promise<void> {
    if (this.#buyer.dice.chance(0.4)) await call;
    else await call.catch(() => undefined);
  }

  /** Code that joins the transaction and throws: that the outer one goes on does not help. */
  async #nested(): Promise<void> {
    const { client } = this.#buyer;
    const joins = client.run('inner', async () => {
      this.#isDoomed = true;
      throw new Thrown('the inner code broke');
    });
    await joins.catch(() => undefined);
  }

  #marks(tx: CurrentTransaction): void {
    this.#isDoomed = true;
    void tx.setRollbackOnly('the code marked it');
  }

  /** Nobody waits for this; it goes on in the transaction's context when that is over. */
  #later(): void {
    const { simulation, dice } = this.#buyer;
    void simulation.pause(dice.between(1, 4000)).then(async () => {
      const wasOver = this.#isOver;
      if (!wasOver) return;
      const got: unknown = await this.#call('move').catch((error: unknown) => error);
      if (!(got instanceof TransactionEnded)) this.#wrong(`I6 a call after the end was told ${String(got)}`);
    });
  }

  /** Begins a call and looks at it no more. */
  #leaves(handler: string): void {
    const { id, input, participant } = this.#buyer.errand(handler);
    this.#calls.push({ id, saw: 'unseen' });
    void this.#buyer.client.call({ participant, handler }, input, { id });
  }

  async #call(handler: string, amount?: number): Promise<unknown> {
    const { client, dice } = this.#buyer;
    const { id, input, participant } = this.#buyer.errand(handler, amount);
    if (dice.chance(0.3))
      return client.remote<Record<string, (input: unknown) => Promise<unknown>>>(participant)[handler]?.(input);
    const heard: { id: string; saw: CallHeard['saw'] } = { id, saw: 'unseen' };
    this.#calls.push(heard);
    try {
      const output = await client.call({ participant, handler }, input, { id });
      heard.saw = 'done';
      return output;
    } catch (error) {
      heard.saw = sawOf(error);
      throw error;
    }
  }

  /** What the error that came out of it says of the transaction. */
  #saidBy(error: unknown): Heard['said'] {
    if (error instanceof RolledBack) return 'rollback';
    if (!this.#hasBegun) return mayBeDone(error) ? 'nothing' : 'never';
    if (error instanceof ConcordatError && error.code === 'already_decided') return 'nothing';
    if (error instanceof Thrown || error instanceof Refused)
      return 'rollbackError' in error ? 'not committed' : 'rollback';
    return 'nothing';
  }

  #wrong(what: string): void {
    this.#buyer.simulation.seen.push(`${what} (${this.#buyer.xid()})`);
  }
}
