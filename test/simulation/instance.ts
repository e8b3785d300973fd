/** One process of a participant: the SDK's host and courier as they are, over a database in memory, with a life of its own. */
import type { Calls } from '../../sdk/client/calls.js';
import { linesType, takeBatch } from '../../sdk/participant/batch.js';
import { type CoordinatorTime, coordinatorTime } from '../../sdk/participant/coordinator-time.js';
import { type Courier, createCourier } from '../../sdk/participant/courier.js';
import type { Check } from '../../sdk/participant/handler.js';
import { type Hosted, hostParticipants } from '../../sdk/participant/host.js';
import { type Registration, register } from '../../sdk/participant/register.js';
import { refusalOf, type WireAnswer } from '../../sdk/participant/wire.js';
import type { Database } from '../../sdk/resources/database.js';
import { giveFenceTable } from '../../sdk/resources/fence/open.js';
import type { ProcessClock, World } from '../engine/clock.js';
import { type CommitFate, Connection, type Disk, type Surroundings } from './database.js';
import { memoryFenceTable } from './fence-table.js';
import type { Posted } from './posted.js';
import type { Provider } from './provider.js';
import type { Returned } from './returned.js';
import { asDb, type ShopParts, shop } from './shop.js';
import type { Weather } from './weather.js';

export interface InstanceParts {
  readonly world: World;
  readonly weather: Weather;
  readonly disk: Disk;
  readonly participant: string;
  readonly name: string;
  readonly provider: Provider;
  readonly check: Check;
  readonly tooLongMs: number;
  readonly late: ShopParts['late'];
  readonly onWrong: (what: string) => void;
  /** Takes marks of handlers to a coordinator. */
  readonly mark: (xid: string, reason: string | undefined) => Promise<unknown>;
  /** Of what signs its commands. */
  readonly keys: readonly Buffer[];
  /** Where it makes itself known; undefined: nobody registers. */
  readonly registering: Registering | undefined;
}

export interface Registering {
  readonly calls: Pick<Calls, 'registerInstance' | 'dropInstance'>;
  readonly ttlMs: number;
  readonly url: string;
}

const silent = Object.freeze({ info: () => undefined, warn: () => undefined, error: () => undefined });

export class Instance {
  readonly name: string;
  readonly participant: string;
  readonly clock: ProcessClock;
  readonly #connection: Connection;
  readonly #onWrong: (what: string) => void;
  /** Where commands are sent to; empty where it does not register. */
  readonly url: string;
  /** Answers that it has not finished. */
  readonly #open: Returned[] = [];
  #courier: Courier | undefined;
  #hosted: Hosted | undefined;
  #registration: Registration | undefined;
  #resumed: Promise<void> = Promise.resolve();
  #resume: () => void = () => undefined;

  private constructor(parts: InstanceParts) {
    this.name = parts.name;
    this.participant = parts.participant;
    this.#onWrong = parts.onWrong;
    this.url = parts.registering?.url ?? '';
    this.clock = parts.world.clock();
    this.#connection = new Connection(parts.disk, this.#surroundings(parts));
  }

  static async start(parts: InstanceParts): Promise<Instance> {
    const instance = new Instance(parts);
    const hosted = await instance.#host(parts);
    const { clock } = instance;
    const { keys, registering } = parts;
    const time = coordinatorTime(clock);
    instance.#hosted = hosted;
    instance.#courier = createCourier({ hosted, keys, clock, time, log: silent });
    if (registering) void instance.#registers(registering, hosted, time);
    return instance;
  }

  get isAlive(): boolean {
    return this.clock.state !== 'dead';
  }

  kill(): void {
    this.clock.state = 'dead';
    this.#connection.kill();
    for (const answer of this.#open) answer.fail();
  }

  /** Goes in good order: out of traffic first, then what runs has some time to end. */
  async stop(): Promise<void> {
    await this.#registration?.stop(500);
    await this.#hosted?.close(500);
    if (this.isAlive) this.kill();
  }

  /** Takes one request as it comes over the wire: a command, or a batch of them. */
  answers(posted: Posted, answer: Returned): void {
    this.#open.push(answer);
    void this.#answer(posted, answer);
  }

  pause(): void {
    this.clock.state = 'paused';
    this.#resumed = new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.clock.state = 'running';
    this.#resume();
  }

  /** Takes one request. Undefined: the process is gone, and nothing comes back. */
  async take(
    path: string,
    header: (name: string) => string | undefined,
    body: Uint8Array,
  ): Promise<WireAnswer | undefined> {
    if (this.clock.state === 'paused') await this.#resumed;
    if (!this.isAlive || !this.#courier) return undefined;
    const to = this.#courier.destinationOf(path);
    const isOver = this.clock.now() >= Number(header('concordat-expires'));
    const answer = to ? await this.#courier.one(to, header, body) : undefined;
    if (isOver && answer && answer.status < 400) this.#onWrong(`C7 ${this.name} took a command whose time was over`);
    if (this.clock.state === 'paused') await this.#resumed;
    return this.isAlive ? answer : undefined;
  }

  async #answer({ path, header, body }: Posted, answer: Returned): Promise<void> {
    if (this.clock.state === 'paused') await this.#resumed;
    const courier = this.#courier;
    if (!this.isAlive || !courier) return answer.fail();
    const to = courier.destinationOf(path.slice(1));
    const whole = async ({ status, headers, body }: WireAnswer): Promise<void> => {
      if (this.clock.state === 'paused') await this.#resumed;
      answer.writeHead(status, { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers });
      answer.end(body);
    };
    if (to || path !== '/_batch')
      return whole(to ? await courier.one(to, header, body) : await courier.carry(undefined, path, header, () => ({})));
    try {
      courier.verify(header, body);
      takeBatch(courier, '', body, header('accept')?.includes(linesType) ?? false, answer);
    } catch (error) {
      await whole(refusalOf(error));
    }
  }

  async #registers({ calls, ttlMs, url: own }: Registering, hosted: Hosted, time: CoordinatorTime): Promise<void> {
    const { name: id, clock } = this;
    const { definitions, setFloor: onFloor } = hosted;
    const parts = { registry: calls, definitions, id, urlOf: () => own, ttlMs, clock, log: silent, onFloor, time };
    this.#registration = await register(parts);
  }

  #host(parts: InstanceParts): Promise<Hosted> {
    const { participant: name, weather, provider, check, tooLongMs, late, onWrong } = parts;
    const { clock } = this;
    // Never called: its fence is given to it, and handlers get the transaction of that.
    const db = Object.assign(() => undefined, { client: { driverName: 'simulated' } }) as unknown as Database;
    giveFenceTable(db, memoryFenceTable(this.#connection, asDb));
    const definition = shop({ name, db, clock, weather, provider, check, tooLongMs, late, onWrong });
    const client = { rollbackOnly: (xid: string, reason?: string) => parts.mark(xid, reason) };
    return hostParticipants({ participants: [definition], client, clock, log: silent });
  }

  #surroundings({ weather }: InstanceParts): Surroundings {
    return {
      commitTakes: () => (weather.on.has('store slow') ? this.#wait(1) : undefined),
      commitFate: (): CommitFate => {
        if (weather.hits('participant commit fails')) return 'fails';
        if (weather.hits('participant commit unknown, done')) return 'unknown, done';
        return weather.hits('participant commit unknown, not done') ? 'unknown, not done' : 'done';
      },
      seam: (where) => {
        const fault =
          where === 'before commit' ? 'participant crashes before its commit' : 'participant crashes after its commit';
        if (this.clock.state === 'running' && weather.hits(fault)) this.kill();
      },
      wait: (ms) => this.#wait(ms),
      onBusy: () => weather.took('participant database busy'),
    };
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve));
  }
}
