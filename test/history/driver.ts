/**
 * Runs a workload on the real engine, host and fence in memory, under one virtual time and a network that delays, repeats and
 * loses: many transactions at once, the same for the same seed. What happens goes into a history as it becomes durable.
 */
import { startCoordinator } from '../../coordinator/coordinator.js';
import type { InputOf } from '../../coordinator/decide/inputs.js';
import { statusOf } from '../../coordinator/decide/state.js';
import { readAnswer } from '../../coordinator/dispatch/answer.js';
import { localTransport } from '../../coordinator/dispatch/local.js';
import { headersOf } from '../../coordinator/dispatch/request.js';
import { silentLog } from '../../coordinator/observe/log.js';
import { memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import type { Append } from '../../coordinator/store/store.js';
import { coordinatorTime } from '../../sdk/participant/coordinator-time.js';
import { type Courier, createCourier } from '../../sdk/participant/courier.js';
import { participant } from '../../sdk/participant/define.js';
import { hostParticipants } from '../../sdk/participant/host.js';
import type { Command } from '../../sdk/protocol/commands.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { isFinal } from '../../sdk/protocol/views.js';
import type { Database } from '../../sdk/resources/database.js';
import { giveFenceTable } from '../../sdk/resources/fence/open.js';
import { type ProcessClock, World } from '../engine/clock.js';
import { Line } from '../engine/line.js';
import { never } from '../helpers/never.js';
import { Dice } from '../simulation/chance.js';
import { Connection, undisturbed } from '../simulation/database.js';
import { memoryFenceTable } from '../simulation/fence-table.js';
import type { HistoryRecord } from './records.js';
import { handlersOf, Shelf } from './workload.js';

export interface DriverOptions {
  readonly seed: number;
  readonly write: (record: HistoryRecord) => void;
  readonly showsReservations?: boolean;
}

export const places = ['p0', 'p1'] as const;
export type Place = (typeof places)[number];

const silent = Object.freeze({ info: () => undefined, warn: () => undefined, error: () => undefined });
const leaseMs = 10_000;

export class Driver {
  readonly world = new World();
  readonly dice: Dice;
  readonly shelves = { p0: this.#shelf('p0'), p1: this.#shelf('p1') };
  readonly clock: ProcessClock = this.world.clock();
  readonly #options: DriverOptions;
  readonly #disk;
  readonly #couriers = new Map<string, Courier>();
  #engine: Awaited<ReturnType<typeof startCoordinator>>['engine'] | undefined;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.dice = new Dice(options.seed, 'driver');
    this.#disk = memoryDisk(this.dice.chanceOf());
    const of = `workload of seed ${options.seed}`;
    options.write({ t: 'history', version: 1, order: 'happened', of, conserved: true });
  }

  async start(): Promise<void> {
    for (const name of places) await this.#startHost(name);
    const network = { violations: [], door: (_: string, clock: ProcessClock) => this.#door(clock) };
    const around = {
      world: this.world,
      network,
      onSeam: () => undefined,
      noteWon: (append: Append) => this.#row(append),
    };
    const line = new Line(around, 'c1', memoryStore({ disk: this.#disk, time: this.world.database }));
    const { engine } = await startCoordinator({
      store: line.store,
      transport: line.transport,
      log: silentLog,
      leaseMs,
      sweepMs: 1000,
      onBroken: () => undefined,
      clock: line.clock,
      chance: new Dice(this.#options.seed, 'c1').chanceOf(),
      host: 'test',
      isAlive: () => true,
    });
    this.#engine = engine;
  }

  /** What stands in an account at first. */
  stock(name: Place, account: string, amount: number): void {
    this.shelves[name].cells.set(account, amount);
    this.#options.write({ t: 'cell', cell: `${name}/${account}`, when: 'before', amount });
  }

  /** Places one transaction; its client is told what became of it. */
  async open(xid: string, input: InputOf<'open'>): Promise<void> {
    const handled = await this.#engine?.handle(xid as Xid, input);
    if (!handled) throw new Error('expected a coordinator that was started');
    const { seq, append, decision } = handled.state;
    const said = { seq, append, decision, status: statusOf(handled.state), changed: handled.changed };
    this.#options.write({ t: 'told', xid, by: 'client', asked: 'open', ...said });
  }

  /** Lets time pass until these are over, and writes down what stands where. False: they were not over in time. */
  async finish(xids: readonly string[]): Promise<boolean> {
    const isOver = (xid: string): boolean => {
      const status = this.#disk.summaries.get(xid as Xid)?.status;
      return status !== undefined && (isFinal(status) || status === 'parked');
    };
    for (let tries = 0; tries < 600 && !xids.every(isOver); tries++) await this.world.advance(500);
    const { write } = this.#options;
    for (const name of places) {
      for (const [key, elements] of this.shelves[name].lists) write({ t: 'list', key: `${name}/${key}`, elements });
      for (const [cell, amount] of this.shelves[name].cells)
        write({ t: 'cell', cell: `${name}/${cell}`, when: 'after', amount });
    }
    write({ t: 'settled' });
    return xids.every(isOver);
  }

  #shelf(name: Place): Shelf {
    const shelf: Shelf = new Shelf((effects) => {
      for (const effect of effects) {
        const { xid, branch, op, deltas } = effect;
        const micro = shelf.micro.get(effect) ?? [];
        this.#options.write({ t: 'effect', xid, branch, op, participant: name, at: this.world.ms, deltas, micro });
      }
    });
    return shelf;
  }

  #row({ xid, seq, append, appender, at, events }: Append): void {
    this.#options.write({ t: 'row', xid, seq, append, appender, at, events: JSON.parse(events) });
  }

  async #startHost(name: Place): Promise<void> {
    const shelf = this.shelves[name];
    const clock = this.world.clock();
    // Never called: its fence is given to it, and handlers get the transaction of that.
    const db = Object.assign(() => undefined, { client: { driverName: 'driven' } }) as unknown as Database;
    const commitTakes = () => this.#pause(this.dice.between(1, 3));
    giveFenceTable(db, memoryFenceTable(new Connection(shelf, { ...undisturbed, commitTakes }), shelf.dbOf));
    const refuses = () => this.dice.chance(0.08);
    const { showsReservations = false } = this.#options;
    const handlers = handlersOf({ name, shelf, refuses, showsReservations });
    const hosted = await hostParticipants({
      participants: [participant({ name, db, handlers })],
      client: { rollbackOnly: async () => undefined },
      clock,
      log: silent,
    });
    this.#couriers.set(name, createCourier({ hosted, keys: [], clock, time: coordinatorTime(clock), log: silent }));
  }

  #door(clock: ProcessClock) {
    return localTransport({ find: () => (command: Command) => this.#carry(command, clock) }, clock);
  }

  async #carry(command: Command, clock: ProcessClock) {
    const { body, target } = command;
    const text = JSON.stringify(body);
    const lines = headersOf({ ...this.#disk.identity, sign: undefined }, command, text, clock.now());
    const header = (name: string) => lines[lines.indexOf(name) + 1];
    const deliver = async () => {
      await this.#pause(this.dice.chance(0.1) ? this.dice.between(30, 300) : this.dice.between(1, 30));
      if ('url' in target) throw new Error(`expected a participant, got ${target.url}`);
      const courier = this.#couriers.get(target.participant);
      const to = courier?.destinationOf(`${target.handler}/${body.op}`);
      if (!courier || !to) throw new Error(`expected a handler ${target.handler} of ${target.participant}`);
      return courier.one(to, header, Buffer.from(text));
    };
    const ways = [deliver(), ...(this.dice.chance(0.03) ? [deliver()] : [])];
    const { status, headers, body: said } = await Promise.race(ways);
    await this.#pause(this.dice.between(1, 30));
    if (this.dice.chance(0.02)) return never();
    const json = said === undefined ? {} : { 'content-type': 'application/json' };
    const answer = { status, headers: { ...json, ...headers }, body: Buffer.from(said ?? '') };
    return readAnswer(answer, body.op, clock.now());
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve));
  }
}
