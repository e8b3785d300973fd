/** All of one case: coordinators, participants and a client under one time, and what befalls them at which boundary. */
import type { Engine } from '../../coordinator/engine.js';
import type { GroupWriter } from '../../coordinator/store/group.js';
import { type MemoryDisk, memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import type { Append, AuditRow, Identity, LogRow, Store } from '../../coordinator/store/store.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { isFinal, type TransactionStatus } from '../../sdk/protocol/views.js';
import { seededChance } from '../engine/chance.js';
import { type ProcessClock, World } from '../engine/clock.js';
import { wrongAudit } from '../simulation/audit.js';
import { Disk, type NewEffect } from '../simulation/database.js';
import type { Effect, History, Won } from '../simulation/history.js';
import { Provider } from '../simulation/provider.js';
import { faults, Weather } from '../simulation/weather.js';
import { Client } from './client.js';
import { Office } from './office.js';
import type { Scenario } from './scenarios.js';
import { type Fate, Seams, type Strike, type Where } from './seams.js';
import { Service } from './service.js';
import { Wire } from './wire.js';

/** A store that outlives the coordinators of a case. */
export interface Vault {
  readonly identity: Identity;
  /** What writes to it can be told to fail. */
  readonly hasWriter: boolean;
  /** The same case twice happens in the same order. */
  readonly isRepeatable: boolean;
  /** Opens it once more, for one process. */
  open(world: World, before: (writer: GroupWriter) => GroupWriter): Promise<Store>;
  rows(xid: Xid): Promise<readonly LogRow[]>;
  audit(xid: Xid): Promise<readonly AuditRow[]>;
}

export function memoryVault(): Vault {
  const disk: MemoryDisk = memoryDisk(seededChance(1));
  return {
    identity: disk.identity,
    hasWriter: true,
    isRepeatable: true,
    open: async (world, before) => memoryStore({ disk, time: world.database, before }),
    rows: async (xid) => disk.logs.get(xid) ?? [],
    audit: async () => disk.audit,
  };
}

/** How long a process is gone; with a standby, longer than its lease. */
const restartMs = { again: 30, standby: 1500 };
/** How long something fails from now on. */
const cutMs = 700;
const stock = 1000;
const cells = ['a', 'b'] as const;

/** Nothing goes wrong in it by chance. */
const calm = new Weather(0, new Set(faults));

export class Site {
  readonly world = new World();
  readonly seams: Seams;
  readonly client: Client;
  readonly wire: Wire;
  readonly seen: string[] = [];
  /** Lines for a person, where somebody reads them. */
  readonly story: string[] | undefined;
  status: TransactionStatus | undefined;
  isMended = false;
  readonly xid: Xid;
  readonly #scenario: Scenario;
  readonly #vault: Vault;
  readonly #house: ProcessClock;
  readonly #offices: Office[] = [];
  readonly #services = new Map<string, Service>();
  readonly #disks = new Map<string, Disk>();
  readonly #provider: Provider;
  readonly #before = new Map<string, number>();
  readonly #effects: Effect[] = [];
  readonly #won: Won[] = [];
  #order = 0;
  #born = 0;

  constructor(scenario: Scenario, strikes: readonly Strike[], vault: Vault, xid: Xid, story?: string[]) {
    this.#scenario = scenario;
    this.#vault = vault;
    this.xid = xid;
    this.story = story;
    this.seams = new Seams(strikes);
    this.#house = this.world.clock();
    const note = this.#note.bind(this);
    this.wire = new Wire({
      serviceOf: (participant) => this.#services.get(participant),
      lossOf: (from) => this.#offices.find(({ name }) => name === from)?.loss(),
      note,
    });
    this.client = new Client({
      xid,
      clock: this.#house,
      engine: (turn) => this.#engine(turn),
      beforeRequest: () => this.#at('before request', 'client') !== 'gone',
      note,
    });
    const onEffect = (effect: NewEffect) => this.#took('provider', effect);
    this.#provider = new Provider({ weather: calm, clock: this.#house, onEffect });
  }

  async start(): Promise<void> {
    for (const cell of cells) this.#stock('provider', `provider/${cell}`, this.#provider.cells);
    for (const name of participantsOf(this.#scenario)) {
      const disk = new Disk((effects) => {
        for (const effect of effects) this.#took(name, effect);
      });
      this.#disks.set(name, disk);
      for (const cell of cells) this.#stock(name, cell, disk.cells);
      await this.#startService(name);
    }
    await this.#startOffice();
    if (this.#scenario.standby) await this.#startOffice();
  }

  /** Of a coordinator that is there. */
  #engine(turn: number): Engine | undefined {
    const there = this.#offices.filter(({ isAlive, coordinator }) => isAlive && coordinator);
    return there[turn % Math.max(1, there.length)]?.coordinator?.engine;
  }

  /** Its client has no more to ask, and it is over, or waits for a person, or never came to be. */
  isSettled(): boolean {
    return this.client.isDone && (!this.status || this.status === 'parked' || isFinal(this.status));
  }

  stop(): void {
    this.#house.state = 'dead';
    for (const office of this.#offices) office.kill();
    for (const service of this.#services.values()) service.kill();
  }

  async history(): Promise<History> {
    const { told, repeats, deeds } = this.client;
    const after = new Map<string, number>();
    for (const [name, { cells: now }] of [...this.#disks, ['provider', this.#provider] as const])
      for (const [cell, left] of now) after.set(`${name}/${cell}`, left);
    const rows = await this.#vault.rows(this.xid);
    const logs = rows.length > 0 ? new Map([[this.xid, rows]]) : new Map();
    return {
      logs,
      won: this.#won,
      effects: this.#effects,
      told,
      repeats,
      deeds,
      seen: [...this.seen, ...wrongAudit(logs, await this.#vault.audit(this.xid))],
      sent: this.wire.violations,
      heard: [],
      phantoms: new Map(),
      before: this.#before,
      after,
    };
  }

  /** A boundary is reached. Deals with stops; returns what else befalls there. */
  #at(where: Where, process: string, mortal?: Office | Service): Fate | undefined {
    const fate = this.seams.at(where);
    if (this.story) this.#note(`[${this.seams.reached.length}] ${where}: ${process}${fate ? `   <== ${fate}` : ''}`);
    if (!fate || !mortal) return fate;
    if (fate === 'stop') this.#kill(mortal);
    else if (fate === 'stop-all') for (const each of [...this.#offices, ...this.#services.values()]) this.#kill(each);
    else {
      if (fate.endsWith('from-now')) this.#house.after(cutMs, () => this.#kill(mortal));
      return fate;
    }
    return undefined;
  }

  /** It dies, and is started again after a while. */
  #kill(process: Office | Service): void {
    if (!process.isAlive) return;
    process.kill();
    this.#note(`${process.name} is dead`);
    const { name } = process;
    if (process instanceof Service) return void this.#house.after(restartMs.again, () => void this.#startService(name));
    const ms = this.#scenario.standby ? restartMs.standby : restartMs.again;
    this.#house.after(ms, () => void this.#startAgain(ms));
  }

  async #startService(name: string): Promise<void> {
    const disk = this.#disks.get(name);
    if (!disk) throw new Error(`there is no participant ${name}`);
    const service = await Service.start({
      name,
      disk,
      clock: this.world.clock(),
      identity: this.#vault.identity,
      provider: this.#provider,
      check: async () => this.#scenario.check ?? 'unknown',
      isMended: () => this.isMended,
      onLate: (ticket, outcome, receipt) => void this.#late(ticket, outcome, { took: receipt.took }),
      onWrong: (what) => void this.seen.push(what),
      at: (where, self) => this.#at(where, name, self),
    });
    this.#services.set(name, service);
  }

  /** Whoever starts processes tries again when one does not come up. */
  async #startAgain(ms: number): Promise<void> {
    try {
      await this.#startOffice();
    } catch (error) {
      this.#note(`does not come up: ${String(error)}`);
      this.#house.after(ms, () => void this.#startAgain(ms));
    }
  }

  async #startOffice(): Promise<void> {
    const name = `c${++this.#born}`;
    const { world, wire: network } = this;
    const office = await Office.start({
      name,
      seed: this.#born,
      world,
      network,
      noteWon: (append) => this.#noteWon(append),
      open: (before) => this.#vault.open(world, before),
      hasWriter: this.#vault.hasWriter,
      at: (where, self) => this.#at(where, name, self),
    });
    this.#offices.push(office);
    this.#note(`${name} is up`);
  }

  /** The outcome of a job comes to whichever coordinator is there, once. */
  async #late(ticket: string, outcome: 'done' | 'refused', output: { readonly took: number }): Promise<void> {
    const { branch, op } = JSON.parse(ticket);
    const said =
      outcome === 'done' ? ({ kind: 'done', output } as const) : ({ kind: 'refused', reason: 'no' } as const);
    await this.client.once({ type: 'outcome', branch, op, attempt: 'late', outcome: said }, 'provider');
  }

  #noteWon({ xid, seq, append, events, summary, appender }: Append): void {
    if (summary) this.status = summary.status;
    this.#won.push({ order: ++this.#order, xid, seq, append, ends: events.includes('"type":"ended"') });
    if (this.story) this.#note(`row ${seq} by ${appender.slice(0, 6)}: ${typesIn(events)}`);
  }

  #took(participant: string, { xid, branch, op, deltas, isMarked }: NewEffect): void {
    const placed = deltas.map(([cell, by]) => [`${participant}/${cell}`, by] as const);
    const order = ++this.#order;
    this.#effects.push({ order, at: this.world.ms, participant, xid, branch, op, deltas: placed, isMarked });
    this.#note(`${participant} did ${branch}.${op}`);
  }

  #stock(participant: string, cell: string, into: Map<string, number>): void {
    into.set(cell, stock);
    this.#before.set(`${participant}/${cell}`, stock);
  }

  #note(line: string): void {
    this.story?.push(`${String(Math.round(this.world.ms)).padStart(6)} ${line}`);
  }
}

/** Who takes part, and who is asked how the initiator's work ended. */
const participantsOf = ({ steps }: Scenario): ReadonlySet<string> =>
  new Set(['p0', ...steps.map(({ target }) => (target && 'participant' in target ? target.participant : 'p0'))]);

const typesIn = (events: string): string =>
  (JSON.parse(events) as readonly { readonly type: string; readonly branch?: number }[])
    .map(({ type, branch }) => (branch === undefined ? type : `${type} ${branch}`))
    .join(', ');
