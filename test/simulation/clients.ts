/** Clients: what they open, how they drive it, and how they get in each other's way. All drawn from the seed. */
import type { BranchSpec } from '../../coordinator/decide/events.js';
import type { InputOf } from '../../coordinator/decide/inputs.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Json } from '../../sdk/protocol/json.js';
import { plan, request, type Step, spec } from '../decide/requests.js';
import { Dice } from './chance.js';
import { kindOfHandler, type Task } from './shop.js';
import { cells, type Simulation } from './simulation.js';

/** One client with one transaction. */
export class Customer {
  readonly xid: Xid;
  readonly #simulation: Simulation;
  readonly #dice: Dice;
  readonly #name: string;

  constructor(simulation: Simulation, index: number) {
    this.#simulation = simulation;
    this.#dice = new Dice(simulation.settings.seed, `customer ${index}`);
    this.#name = `k${index}`;
    this.xid = `x${index}` as Xid;
    simulation.xids.push(this.xid);
  }

  async live(): Promise<void> {
    const dice = this.#dice;
    const what = dice.draw();
    if (what < 0.2) await this.#open(plan(this.#transfer(), this.#change()));
    else if (what < 0.3) await this.#open(plan(this.#pivoted(), this.#change()));
    else if (what < 0.65) await this.#open(plan(this.#steps(), this.#change()));
    else await this.#drive();
  }

  /** Money from one place to another: both or none. */
  #transfer(): readonly Step[] {
    const amount = this.#dice.between(1, 4);
    return [
      this.#step('s1', 'hold', { amount, after: [] }),
      this.#step('s2', 'deposit', { amount, after: this.#dice.chance(0.5) ? [] : ['s1'] }),
      ...(this.#dice.chance(0.3) ? [this.#step('s3', 'notify', {})] : []),
    ];
  }

  #pivoted(): readonly Step[] {
    const count = this.#dice.between(1, 4);
    const at = this.#dice.below(count);
    return Array.from({ length: count }, (_, index) => {
      const step = this.#step(`s${index + 1}`, this.#dice.one(['move', 'charge', 'job']), {});
      return index === at ? { ...step, pivot: true as const } : step;
    });
  }

  /** A sequence, a fan, or any graph. */
  #steps(): readonly Step[] {
    const dice = this.#dice;
    const shape = dice.below(3);
    const ids = Array.from({ length: dice.between(1, 5) }, (_, index) => `s${index + 1}`);
    return ids.map((id, index) => {
      const handler = dice.one(['move', 'move', 'charge', 'job', 'notify']);
      const before = ids.slice(0, index);
      if (shape === 0) return this.#step(id, handler, {});
      const after = shape === 1 ? before.slice(0, 1) : before.filter(() => dice.chance(0.4));
      return this.#step(id, handler, { after });
    });
  }

  #step(
    id: string,
    handler: string,
    { amount = this.#dice.between(1, 4), after }: { amount?: number; after?: readonly string[] },
  ): Step {
    const { settings, weather } = this.#simulation;
    const dice = this.#dice;
    const target = { participant: `p${dice.below(settings.participants)}`, handler };
    const broken = weather.strikes('broken for good') && dice.one(['forward', 'commit', 'rollback'] as const);
    const task: Task = {
      cell: dice.one(cells),
      amount,
      ...(broken && { broken, brokenAs: dice.one(['throws', 'pending'] as const) }),
    };
    return {
      id,
      kind: kindOfHandler[handler] ?? 'saga',
      target,
      input: task as unknown as Json,
      ...(after && { after }),
    };
  }

  #change() {
    const { settings, weather, clock } = this.#simulation;
    const dice = this.#dice;
    const isNear = weather.hits('deadline near');
    const deadlineAt = isNear ? clock.now() + dice.below(1500) : dice.chance(0.5) ? clock.now() + 20_000 : null;
    const asks = dice.chance(0.15);
    const check = { participant: 'p0', handler: 'ask' };
    const base = {
      policy: settings.policy,
      deadlineAt,
      fingerprint: this.xid,
      origin: this.#simulation.disk.identity.origin,
    };
    return asks ? { ...base, onTimeout: 'ask' as const, check } : base;
  }

  /** Asks until somebody answers. False when nobody did. */
  async #open(input: InputOf<'open'>): Promise<boolean> {
    const { weather, repeats } = this.#simulation;
    const { xid } = this;
    for (let tries = 0; tries < 4; tries++) {
      const { said } = await this.#simulation.ask(xid, this.#name, input);
      if (said !== 'answered') {
        if (weather.hits('client gone')) return false;
        continue;
      }
      if (weather.hits('client repeats')) {
        const again = await this.#simulation.ask(xid, this.#name, input);
        repeats.push({ xid, asked: 'open', isSame: true, got: again.said });
      }
      if (weather.hits('client repeats with another body')) {
        const other = { ...input, request: { ...input.request, fingerprint: 'another' } };
        const again = await this.#simulation.ask(xid, this.#name, other);
        repeats.push({ xid, asked: 'open', isSame: false, got: again.said });
      }
      return true;
    }
    return false;
  }

  /** The initiator drives. */
  async #drive(): Promise<void> {
    const { weather, clock, markers } = this.#simulation;
    const change = this.#change();
    const deadlineAt = change.deadlineAt ?? clock.now() + 15_000;
    if (!(await this.#open(request({ ...change, deadlineAt })))) return;
    const steps = this.#dice.chance(0.4) ? this.#transfer() : this.#steps();
    for (const step of steps) if (step.kind !== 'message' || this.#dice.chance(0.5)) await this.#add(step);
    if (weather.hits('client gone')) return;
    if ('check' in change && !markers.has(this.xid))
      markers.set(this.xid, this.#dice.chance(0.7) ? 'commit' : 'rollback');
    const marker = markers.get(this.xid) ?? (this.#dice.chance(0.75) ? 'commit' : 'rollback');
    if (!('check' in change) && weather.hits('client races to commit and roll back'))
      await Promise.all([this.#decide('commit'), this.#decide('rollback')]);
    else await this.#decide('check' in change ? marker : marker);
  }

  async #add(step: Step): Promise<void> {
    const { xid } = this;
    const simulation = this.#simulation;
    const { after: _, ...rest } = step;
    const added: BranchSpec = spec(rest);
    for (let tries = 0; tries < 3; tries++) {
      const { said } = await simulation.ask(xid, this.#name, { type: 'add_branch', spec: added });
      if (said === 'transaction_not_active') return;
      if (said !== 'answered') continue;
      if (simulation.weather.hits('client repeats')) {
        const again = await simulation.ask(xid, this.#name, { type: 'add_branch', spec: added });
        simulation.repeats.push({ xid, asked: 'add_branch', isSame: true, got: again.said });
      }
      break;
    }
    if (this.#dice.chance(0.6)) await this.#untilAnswered();
  }

  /** Waits until every branch has an outcome, but not for long. */
  async #untilAnswered(): Promise<void> {
    try {
      const engine = this.#simulation.someEngine();
      const all = engine.until(this.xid, ({ branches }) => branches.every(({ forward }) => forward === 'done'), 2000);
      await Promise.race([all, this.#simulation.pause(2500)]);
    } catch {
      // No coordinator is there, or it knows nothing: the customer goes on.
    }
  }

  async #decide(decision: 'commit' | 'rollback'): Promise<void> {
    const input =
      decision === 'commit' ? ({ type: 'commit' } as const) : ({ type: 'rollback', reason: 'the customer' } as const);
    for (let tries = 0; tries < 4; tries++) {
      const { said } = await this.#simulation.ask(this.xid, this.#name, input);
      if (said !== 'nothing' && said !== 'store_unavailable') return;
      if (this.#simulation.weather.hits('client gone')) return;
    }
  }
}
