/**
 * One seed: coordinators, participants and clients in one process, under one time, and what goes wrong between them.
 * First with faults, then without; then everything must be final or parked.
 */
import type { Input } from '../../coordinator/decide/inputs.js';
import { statusOf } from '../../coordinator/decide/state.js';
import type { Handled } from '../../coordinator/engine.js';
import { type MemoryDisk, memoryDisk } from '../../coordinator/store/memory.js';
import type { Append } from '../../coordinator/store/store.js';
import type { Calls } from '../../sdk/client/calls.js';
import { readSecrets } from '../../sdk/participant/signature.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { isFinal } from '../../sdk/protocol/views.js';
import { type ProcessClock, World } from '../engine/clock.js';
import { wrongAudit } from './audit.js';
import { Dice } from './chance.js';
import { Disk, type NewEffect } from './database.js';
import { StoreFile } from './file.js';
import type { Asked, Deed, Effect, Heard, History, Repeat, Told, Won } from './history.js';
import { Instance } from './instance.js';
import { signingSecret } from './known.js';
import { limited } from './limited.js';
import { type Member, startMember } from './member.js';
import { Net } from './net.js';
import { Provider } from './provider.js';
import type { Settings } from './settings.js';
import type { DatabaseState } from './stores.js';
import { Trace } from './trace.js';
import { Weather } from './weather.js';
import { Wire } from './wire.js';

export const cells = ['a', 'b'] as const;

export class Simulation {
  readonly settings: Settings;
  readonly world = new World();
  readonly weather: Weather;
  readonly trace: Trace;
  readonly disk: MemoryDisk;
  readonly database: DatabaseState = {
    downUntil: 0,
    failovers: 0,
    unsynced: [],
    refused: new Set(),
    phantoms: new Set(),
    lost: new Set(),
  };
  readonly wire: Wire;
  /** Between clients and coordinators. */
  readonly net: Net;
  readonly members: Member[] = [];
  readonly xids: Xid[] = [];
  /** How the initiator's own work ended, of transactions that are asked about. */
  readonly markers = new Map<Xid, 'commit' | 'rollback'>();
  readonly won: Won[] = [];
  readonly effects: Effect[] = [];
  readonly asked: Asked[] = [];
  readonly told: Told[] = [];
  readonly repeats: Repeat[] = [];
  readonly deeds: Deed[] = [];
  readonly seen: string[] = [];
  readonly heard: Heard[] = [];
  /** Clients of the SDK that are at work. */
  readonly shopping = new Set<string>();
  /** Time that goes on whoever dies. */
  readonly clock: ProcessClock;
  readonly provider: Provider;
  readonly file: StoreFile | undefined;
  readonly disks = new Map<string, Disk>();
  readonly instances: Instance[] = [];
  /** Hears of each row that became durable, before anybody acts on it. */
  onWon: (won: Append) => void = () => undefined;
  readonly dice: Dice;
  readonly #before = new Map<string, number>();
  #order = 0;
  #born = 0;

  constructor(settings: Settings) {
    const { seed, without, favoured, keepTrace } = settings;
    this.settings = settings;
    this.dice = new Dice(seed, 'simulation');
    this.weather = new Weather(seed, without, favoured);
    this.trace = new Trace(keepTrace);
    this.clock = this.world.clock();
    this.disk = memoryDisk(this.dice.chanceOf());
    this.file = settings.store === 'sqlite' ? new StoreFile(seed) : undefined;
    const { world, weather, trace } = this;
    const instancesOf = (participant: string) =>
      this.instances.filter((each) => each.participant === participant && each.isAlive);
    this.wire = new Wire({ world, weather, trace, identity: this.disk.identity, instancesOf, limits: settings.limits });
    const { clock, members } = this;
    this.net = new Net({ world, weather, trace, clock, members, dice: new Dice(seed, 'net') });
    this.provider = new Provider({ weather, clock: this.clock, onEffect: (effect) => this.#note('provider', effect) });
  }

  async start(): Promise<void> {
    const { participants, instances, coordinators, stock, limits } = this.settings;
    if (limits) this.disk.participants.set(limited, { name: limited, ...limits, paused: false });
    for (const cell of cells) this.#stock('provider', this.provider.cells, cell, stock);
    for (let i = 0; i < participants; i++) {
      const name = `p${i}`;
      const disk = new Disk((effects) => this.#notes(name, effects));
      this.disks.set(name, disk);
      for (const cell of cells) this.#stock(name, disk.cells, cell, stock);
      for (let j = 0; j < instances; j++) await this.startInstance(name);
    }
    for (let i = 0; i < coordinators; i++) await this.startMember();
  }

  /** Starts a coordinator; tries again while the store does not answer. */
  async startMember(): Promise<void> {
    try {
      const { world, weather, wire, settings, file, disk, database: state } = this;
      const instanceAt = this.instanceAt.bind(this);
      const onWrong = (what: string) => void this.seen.push(what);
      const noteWon = this.noteWon.bind(this);
      const around = { world, weather, wire, settings, file, disk, state, noteWon, instanceAt, onWrong };
      this.members.push(await startMember(around, `c${++this.#born}`));
    } catch {
      this.clock.after(500, () => void this.startMember());
    }
  }

  async startInstance(participant: string): Promise<void> {
    const { world, weather, provider, seen } = this;
    const { callMs } = this.settings.policy;
    const disk = this.disks.get(participant);
    if (!disk) throw new Error(`there is no participant ${participant}`);
    const name = `${participant}.${++this.#born}`;
    const calls = this.settings.registers ? this.#callsOf(name) : undefined;
    const instance = await Instance.start({
      world,
      weather,
      provider,
      disk,
      participant,
      name,
      tooLongMs: callMs + 200,
      check: async ({ xid }) => this.#check(xid as Xid),
      late: (ticket, outcome, receipt) => void this.#late(ticket, outcome, { took: receipt.took }),
      onWrong: (what) => void seen.push(what),
      mark: async (xid, reason) =>
        calls
          ? calls.rollbackOnly(xid, reason)
          : this.someEngine().handle(xid as Xid, { type: 'rollback_only', reason: reason ?? '' }),
      keys: calls && this.settings.isSigned ? readSecrets(signingSecret) : [],
      registering: calls && { calls, ttlMs: this.settings.ttlMs, url: `http://127.0.0.1:${1000 + this.#born}` },
    });
    this.instances.push(instance);
  }

  /** Whoever listens, or listened, at an address. */
  instanceAt(origin: string): Instance | undefined {
    return this.instances.find(({ url }) => url === origin);
  }

  #callsOf(name: string): Calls {
    const { uuid } = new Dice(this.settings.seed, name).chanceOf();
    return this.net.calls(name, this.clock, uuid, 2000);
  }

  running(): readonly Member[] {
    return this.members.filter(({ clock }) => clock.state === 'running');
  }

  /** Of a coordinator that is there. Throws when none is. */
  someEngine(): Member['engine'] {
    const running = this.running();
    if (running.length === 0) throw new ConcordatError('store_unavailable', 'no coordinator is there');
    return this.dice.one(running).engine;
  }

  /** Asks a coordinator for something, and writes down what it said. An error's code, or `nothing` when it said nothing. */
  async ask(xid: Xid, by: string, input: Input): Promise<{ readonly said: string; readonly handled?: Handled }> {
    const asked: Asked = { xid, input, isAnswered: false };
    // What a person did is done once: nobody repeats that.
    if (by !== 'latecomer' && !('by' in input)) this.asked.push(asked);
    try {
      const answer = this.someEngine().handle(xid, input);
      const handled = await Promise.race([answer, this.pause(3000)]);
      if (!handled) return { said: 'nothing' };
      asked.isAnswered = true;
      const { seq, append, decision } = handled.state;
      this.told.push({
        changed: handled.changed,
        xid,
        by,
        asked: input.type,
        seq,
        append,
        decision,
        status: statusOf(handled.state),
      });
      return { said: 'answered', handled };
    } catch (error) {
      return { said: error instanceof ConcordatError ? error.code : String(error) };
    }
  }

  pause(ms: number): Promise<undefined> {
    return new Promise((resolve) => void this.clock.after(ms, () => resolve(undefined)));
  }

  noteWon(won: Append): void {
    const { xid, seq, append, events } = won;
    if (events.includes('"error":"not sent')) this.wire.violations.push(`I14 ${xid} ${seq} counts what was never sent`);
    this.won.push({ order: ++this.#order, xid, seq, append, ends: events.includes('"type":"ended"') });
    this.trace.note(`${this.world.ms} won ${xid} ${seq} ${append}`);
    this.onWon(won);
  }

  /** A name of its own for each thing that a person does. */
  nextOperator(): string {
    return `operator ${++this.#born}`;
  }

  /** Whether a transaction is over, or waits for a person. One that never came to be is over too. */
  isSettled(xid: Xid): boolean {
    const status = this.disk.summaries.get(xid)?.status;
    return status === undefined || status === 'parked' || isFinal(status);
  }

  async history(): Promise<History> {
    const { won, effects, told, repeats, deeds } = this;
    const after = new Map<string, number>();
    const banks = [...this.disks, ['provider', this.provider] as const];
    for (const [name, { cells: now }] of banks) for (const [cell, left] of now) after.set(`${name}/${cell}`, left);
    if (!this.file) this.seen.push(...wrongAudit(this.disk.logs, this.disk.audit));
    const logs = (await this.file?.close(this.world, this.xids)) ?? this.disk.logs;
    const { seen, heard } = this;
    return {
      heard,
      logs,
      won,
      effects,
      told,
      repeats,
      deeds,
      seen,
      sent: this.wire.violations,
      phantoms: this.database.phantoms,
      lost: this.database.lost,
      before: this.#before,
      after,
    };
  }

  #stock(participant: string, into: Map<string, number>, cell: string, stock: number): void {
    const name = participant === 'provider' ? `provider/${cell}` : cell;
    into.set(name, stock);
    this.#before.set(`${participant}/${name}`, stock);
  }

  #notes(participant: string, effects: readonly NewEffect[]): void {
    for (const effect of effects) this.#note(participant, effect);
  }

  #note(participant: string, { xid, branch, op, deltas, isMarked }: NewEffect): void {
    const { ms } = this.world;
    const placed = deltas.map(([cell, by]) => [`${participant}/${cell}`, by] as const);
    this.effects.push({ order: ++this.#order, at: ms, participant, xid, branch, op, deltas: placed, isMarked });
    this.trace.note(`${ms} ${participant} did ${xid} ${branch} ${op}`);
  }

  /** The first word closes the marker. */
  #check(xid: Xid): 'commit' | 'rollback' | 'unknown' {
    const marker = this.markers.get(xid);
    if (marker) return marker;
    if (this.dice.chance(0.4)) return 'unknown';
    this.markers.set(xid, 'rollback');
    return 'rollback';
  }

  async #late(ticket: string, outcome: 'done' | 'refused', output: { readonly took: number }): Promise<void> {
    if (!this.weather.hits('late outcome')) return;
    if (this.settings.registers) {
      const said = outcome === 'done' ? { outcome, output } : { outcome, reason: 'no' };
      return void (await this.#callsOf(`late ${ticket}`)
        .report(ticket, said)
        .catch(() => undefined));
    }
    const { xid, branch, op } = JSON.parse(ticket);
    const said =
      outcome === 'done' ? ({ kind: 'done', output } as const) : ({ kind: 'refused', reason: 'no' } as const);
    await this.ask(xid, 'provider', { type: 'outcome', branch, op, attempt: 'late', outcome: said });
  }
}
