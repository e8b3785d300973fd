/** Random work under random trouble, all drawn from one seed. */
import type { Xid } from '../../sdk/protocol/ids.js';
import { type Step, spec } from '../decide/requests.js';
import { Cluster, type Process } from './cluster.js';
import type { Passage } from './network.js';
import type { Does, Task } from './participant.js';
import { initiated, plan } from './plans.js';
import { noFaults } from './store.js';

export class Storm {
  readonly cluster: Cluster;
  readonly xids: Xid[] = [];
  /** What was promised to somebody: the state must show it for ever. */
  readonly promises = new Map<Xid, string>();

  constructor(seed: number) {
    this.cluster = new Cluster(seed);
    this.cluster.network.passage = () => this.#passage();
    this.cluster.queueLoses = () => this.#chance(0.02);
  }

  async run(transactions: number): Promise<void> {
    for (let i = 0; i < 3; i++) await this.cluster.start();
    while (this.xids.length < transactions) {
      for (let i = this.#below(6); i > 0; i--) this.#open();
      if (this.#chance(0.5)) void this.#interfere();
      if (this.#chance(0.15)) await this.#trouble();
      await this.cluster.world.advance(this.#below(this.#chance(0.1) ? 8000 : 300));
    }
  }

  /** All trouble ends, and two coordinators are alive. */
  async calm(): Promise<void> {
    this.cluster.network.passage = () => ({});
    this.cluster.queueLoses = () => false;
    for (const process of this.cluster.processes) {
      Object.assign(process.faults, noFaults());
      if (process.clock.state === 'paused') process.resume();
    }
    while (this.#alive().length < 2) await this.cluster.start();
  }

  #draw = (): number => this.cluster.chance.draw();
  #chance = (share: number): boolean => this.#draw() < share;
  #below = (limit: number): number => Math.floor(this.#draw() * limit);
  #one = <T>(all: readonly T[]): T => all[this.#below(all.length)] as T;

  #alive(): readonly Process[] {
    return this.cluster.processes.filter(({ clock }) => clock.state === 'running');
  }

  #open(): void {
    const xid = this.cluster.newXid();
    this.xids.push(xid);
    const process = this.#one(this.#alive());
    if (!process) return;
    const deadlineAt = this.#chance(0.3) ? process.clock.now() + this.#below(8000) : null;
    if (this.#chance(0.25)) return void this.#drive(process, xid, deadlineAt);
    const steps: Step[] = Array.from({ length: 1 + this.#below(4) }, (_, index) => ({
      id: `s${index}`,
      kind: this.#one(['saga', 'saga', 'tcc', 'message'] as const),
      input: { ...this.#task() },
      ...(this.#chance(0.3) ? { after: [] } : {}),
    }));
    void this.#promised(
      xid,
      'there',
      process.engine.handle(xid, { type: 'open', ...asOpen(plan(steps, { deadlineAt })) }),
    );
  }

  async #drive(process: Process, xid: Xid, deadlineAt: number | null): Promise<void> {
    const there = await this.#promised(
      xid,
      'there',
      process.engine.handle(xid, {
        type: 'open',
        ...asOpen(initiated({ deadlineAt: deadlineAt ?? process.clock.now() + 20_000 })),
      }),
    );
    if (!there) return;
    for (let index = this.#below(4); index > 0; index--) {
      const { engine } = this.#one(this.cluster.processes);
      const added = spec({ id: `s${index}`, kind: this.#one(['saga', 'tcc'] as const), input: { ...this.#task() } });
      await engine.handle(xid, { type: 'add_branch', spec: added }).catch(() => undefined);
      if (this.#chance(0.5))
        await engine
          .until(xid, ({ branches }) => branches.every(({ forward }) => forward === 'done'), 2000)
          .catch(() => undefined);
    }
    const { engine } = this.#one(this.cluster.processes);
    if (this.#chance(0.7)) await this.#promised(xid, 'there', engine.handle(xid, { type: 'commit' }));
    else await this.#promised(xid, 'not committed', engine.handle(xid, { type: 'rollback', reason: 'the initiator' }));
  }

  async #promised(xid: Xid, what: string, handled: Promise<unknown>): Promise<boolean> {
    try {
      await handled;
      this.promises.set(xid, what);
      return true;
    } catch {
      return false;
    }
  }

  /** A client or an operator comes in somewhere else. */
  async #interfere(): Promise<void> {
    const xid = this.#one(this.xids);
    if (!xid) return;
    const { engine } = this.#one(this.cluster.processes);
    const what = this.#below(4);
    if (what === 0)
      await this.#promised(xid, 'not committed', engine.handle(xid, { type: 'rollback', reason: 'somebody' }));
    else if (what === 1) await engine.handle(xid, { type: 'retry', by: 'somebody' }).catch(() => undefined);
    else if (what === 2) await engine.wake(xid);
    else await engine.until(xid, (state) => state.ended !== null, this.#below(5000)).catch(() => undefined);
  }

  async #trouble(): Promise<void> {
    const process = this.#one(this.#alive());
    switch (this.#below(5)) {
      case 0:
        process?.kill();
        break;
      case 1:
        process?.pause();
        break;
      case 2:
        this.#one(this.cluster.processes.filter(({ clock }) => clock.state === 'paused'))?.resume();
        break;
      case 3:
        if (process) this.#cut(process);
        break;
      default:
        for (const { faults } of this.cluster.processes) Object.assign(faults, noFaults());
    }
    while (this.#alive().length < 2) await this.cluster.start();
  }

  #cut({ faults }: Process): void {
    const share = this.#draw() * 0.8;
    faults.append = () => (this.#chance(share) ? this.#one(['fails', 'answer lost'] as const) : 'through');
    faults.read = () => (this.#chance(share) ? 'fails' : 'through');
    faults.renew = faults.read;
  }

  #passage(): Passage {
    const delayMs = this.#one([0, 0, 0, 5, 100, 1500, 12_000]);
    switch (this.#below(8)) {
      case 0:
        return { copies: 0 };
      case 1:
        return { copies: 2, delayMs };
      case 2:
        return { delayMs, answerLost: true };
      case 3:
        return { delayMs, answerDelayMs: this.#below(2000) };
      default:
        return {};
    }
  }

  #task(): Task {
    const does = (): Does => this.#one<Does>(['done', 'done', 'done', 'done', 'loses the answer', 'fails', 'busy']);
    const times = this.#chance(0.95) ? 1 + this.#below(2) : 1000;
    return { forward: this.#chance(0.1) ? 'refused' : does(), commit: does(), rollback: does(), times };
  }
}

const asOpen = ({ request }: ReturnType<typeof plan>) => ({ request });
