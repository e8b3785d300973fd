/** A customer with the client of the SDK, over the network: what its code does, and what it is told. */
import { type Client, clientOver } from '../../sdk/client/client.js';
import { exchangeWith } from '../../sdk/client/exchange.js';
import { mayBeDone } from '../../sdk/client/reasons.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { TransactionView } from '../../sdk/protocol/views.js';
import type { ProcessClock } from '../engine/clock.js';
import { Dice } from './chance.js';
import type { CallHeard, Heard } from './history.js';
import { type Buyer, type Errand, Purchase, sawOf } from './purchase.js';
import type { Task } from './shop.js';
import { cells, type Simulation } from './simulation.js';

export class Shopper implements Buyer {
  readonly name: string;
  readonly dice: Dice;
  readonly client: Client;
  readonly simulation: Simulation;
  readonly #clock: ProcessClock;
  #xid: Xid | undefined;
  #errands = 0;

  constructor(simulation: Simulation, index: number) {
    this.simulation = simulation;
    this.name = `k${index}`;
    this.dice = new Dice(simulation.settings.seed, `shopper ${index}`);
    const { world, net } = simulation;
    const clock = world.clock();
    this.#clock = clock;
    const ambient = {
      monotonic: () => clock.monotonic(),
      after: (ms: number, callback: () => void) => clock.after(ms, callback),
      uuid: () => this.#uuid(),
    };
    const patience = { strangerMs: 1500, knownMs: this.dice.one([2000, 8000]) };
    const answerWithinMs = this.dice.one([1500, 4000, 12_000]);
    const carrier = net.carrier(this.name);
    this.client = clientOver(
      exchangeWith('http://coordinators', { carrier, ambient, patience, answerWithinMs }),
      ambient,
    );
  }

  async live(): Promise<void> {
    const { shopping } = this.simulation;
    shopping.add(this.name);
    await this.#shops();
    shopping.delete(this.name);
  }

  async #shops(): Promise<void> {
    const what = this.dice.draw();
    if (what < 0.25) await this.#submits();
    else if (what < 0.4) await this.#callsAlone();
    else await new Purchase(this).run();
  }

  /** The id of the transaction: the first that is drawn. */
  xid(): Xid {
    return this.#xid ?? (this.#uuid() as Xid);
  }

  goes(): void {
    this.#clock.state = 'dead';
    this.simulation.shopping.delete(this.name);
  }

  errand(handler: string, amount = this.dice.between(1, 4)): Errand {
    const { settings, weather } = this.simulation;
    const broken = weather.strikes('broken for good') && this.dice.one(['forward', 'commit', 'rollback'] as const);
    const input: Task = {
      cell: this.dice.one(cells),
      amount,
      ...(broken && { broken, brokenAs: this.dice.one(['throws', 'pending'] as const) }),
    };
    return { id: `s${++this.#errands}`, participant: `p${this.dice.below(settings.participants)}`, handler, input };
  }

  heard(asked: string, said: Heard['said'], calls: readonly CallHeard[] = [], status?: Heard['status']): void {
    const { simulation } = this;
    simulation.heard.push({ xid: this.xid(), asked, said, status, calls });
    simulation.trace.note(`${simulation.world.ms} ${this.name} hears ${said} of ${this.xid()}`);
  }

  async #submits(): Promise<void> {
    const { dice, client } = this;
    const steps = Array.from({ length: dice.between(1, 4) }, () =>
      this.errand(dice.one(['move', 'move', 'charge', 'job', 'notify'])),
    );
    const plan = {
      xid: this.xid(),
      name: 'plan',
      timeoutMs: dice.between(1000, 15_000),
      steps: dice.one([inLine, fan])(steps),
    };
    const wait = dice.chance(0.5) ? { waitSeconds: dice.between(1, 20) } : {};
    const view = await this.#told('submit', client.submit(plan, wait));
    if (!view) return;
    await this.#again(plan);
    if (dice.chance(0.2)) await this.#told('rollback', client.rollback(plan.xid));
    if (dice.chance(0.6)) await this.#told('wait', client.wait(plan.xid, { timeoutMs: 10_000 }));
  }

  /** I12: the same once more, or something else under the same xid. */
  async #again(plan: Parameters<Client['submit']>[0]): Promise<void> {
    const { weather, repeats } = this.simulation;
    for (const isSame of [true, false]) {
      if (!weather.hits(isSame ? 'client repeats' : 'client repeats with another body')) continue;
      const body = isSame ? plan : { ...plan, name: 'another' };
      const got = await this.client.submit(body).then(() => 'answered', codeOf);
      repeats.push({ xid: this.xid(), asked: 'submit', isSame, got });
    }
  }

  async #callsAlone(): Promise<void> {
    const { id, input, ...target } = this.errand(this.dice.one(['move', 'charge', 'job']));
    const call = { id, saw: 'unseen' as CallHeard['saw'] };
    try {
      await this.client.call(target, input, { id, xid: this.xid(), deadlineMs: this.dice.between(1000, 15_000) });
      this.heard('call', 'commit', [{ ...call, saw: 'done' }]);
    } catch (error) {
      const saw = sawOf(error);
      const said = saw === 'rolled back' ? 'rollback' : saw === 'failed' ? 'not committed' : 'nothing';
      this.heard('call', said, [{ ...call, saw }]);
    }
  }

  async #told(asked: string, answer: Promise<TransactionView>): Promise<TransactionView | undefined> {
    try {
      const view = await answer;
      this.heard(asked, view.decision ?? 'nothing', [], view.status);
      return view;
    } catch (error) {
      if (asked === 'submit' && !mayBeDone(error)) this.heard(asked, 'never');
      return undefined;
    }
  }

  #uuid(): string {
    const hex = (): string => this.dice.bits().toString(16).padStart(8, '0');
    const digits = hex() + hex() + hex() + hex();
    const uuid = [
      digits.slice(0, 8),
      digits.slice(8, 12),
      digits.slice(12, 16),
      digits.slice(16, 20),
      digits.slice(20),
    ].join('-');
    if (this.#xid === undefined) {
      this.#xid = uuid as Xid;
      this.simulation.xids.push(this.#xid);
    }
    return uuid;
  }
}

const inLine = (steps: readonly Errand[]): Errand[] => [...steps];
const fan = ([first, ...rest]: readonly Errand[]): Errand[] =>
  first ? [first, ...rest.map((step) => ({ ...step, after: [first.id] }))] : [];

/** What a repeat was answered; `nothing` where nobody or only a gateway answered. */
function codeOf(error: unknown): string {
  if (!(error instanceof ConcordatError) || error.code === 'request_timeout') return 'nothing';
  return error.code;
}
