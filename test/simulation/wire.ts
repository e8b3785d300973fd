/** The wire between coordinators and participants: requests as over HTTP, and what becomes of them on the way. */
import { readAnswer } from '../../coordinator/dispatch/answer.js';
import { localTransport } from '../../coordinator/dispatch/local.js';
import { headersOf } from '../../coordinator/dispatch/request.js';
import type { Answer, Reply, Transport } from '../../coordinator/dispatch/transport.js';
import type { Identity } from '../../coordinator/store/store.js';
import type { WireAnswer } from '../../sdk/participant/wire.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import type { ProcessClock, World } from '../engine/clock.js';
import { never } from '../helpers/never.js';
import type { Instance } from './instance.js';
import { Limited, type Limits } from './limited.js';
import type { Posted } from './posted.js';
import type { Trace } from './trace.js';
import type { Weather } from './weather.js';

export interface WireParts {
  readonly world: World;
  readonly weather: Weather;
  readonly trace: Trace;
  readonly identity: Identity;
  /** Processes of a participant that are there, or seem so. */
  readonly instancesOf: (participant: string) => readonly Instance[];
  /** Of one participant, for each coordinator. */
  readonly limits: Limits | null;
}

interface Parcel {
  readonly number: number;
  readonly path: string;
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array;
}

const repeating = ['queue duplicates', 'store refuses one of a group', 'outcome refused by the store'] as const;

const gone: Reply = Object.freeze({ kind: 'unknown', error: 'the connection was refused' });

export class Wire {
  readonly violations: string[] = [];
  sent = 0;
  /** The last command that was posted by itself, as anybody on the way may see it. */
  seen: { readonly origin: string; readonly posted: Posted } | undefined;
  /** By then the last of the requests that come late has come. */
  lastAt = 0;
  /** `towards p0` and `back p0`, of one coordinator: `c1 towards p0`. */
  readonly cuts = new Set<string>();
  readonly #parts: WireParts;
  readonly #clock: ProcessClock;
  readonly #limited: Limited;
  readonly #inFlight = new Map<string, Command>();
  readonly #newest = new Map<string, number>();
  readonly #known = new Set<string>();
  #turn = 0;

  constructor(parts: WireParts) {
    this.#parts = parts;
    this.#clock = parts.world.clock();
    this.#limited = new Limited(parts.limits, this.violations);
  }

  /** The door out of one coordinator: the product's own transport with this wire behind it. */
  door(from: string, clock: ProcessClock, onSend: () => void): Transport {
    const find = () => (command: Command) => this.#carry(from, clock, command, onSend);
    const local = localTransport({ find }, clock);
    return this.watch(from, local);
  }

  /** The same with a transport of its own. */
  watch(from: string, transport: Transport): Transport {
    return {
      send: (command) => this.#watched(from, command, transport.send(command)),
      close: () => transport.close(),
    };
  }

  /** Notes a request of a coordinator on its way to an instance. */
  leaves(from: string, origin: string, posted: Posted): void {
    this.sent++;
    this.#parts.trace.note(`${this.#parts.world.ms} ${from} posts to ${origin}${posted.path}`);
    if (posted.path !== '/_batch') this.seen = { origin, posted };
  }

  /** Notes that a request comes so much later. */
  comesLate(ms: number): void {
    this.lastAt = Math.max(this.lastAt, this.#parts.world.ms + ms);
  }

  async #carry(from: string, clock: ProcessClock, command: Command, onSend: () => void): Promise<Reply> {
    const { weather, trace, world, identity } = this.#parts;
    const { body, target, attempt } = command;
    if ('url' in target) return gone;
    const { participant, handler } = target;
    if (clock.now() >= command.expiresAt)
      this.violations.push(`C7 ${from} sends ${body.xid} ${body.op} when its time is over`);
    trace.note(`${world.ms} ${from} sends ${body.xid} ${body.branch} ${body.op} ${attempt}`);
    if (body.op !== 'check') this.#assertNew(`${from} ${body.xid} ${body.branch} ${body.op} ${attempt}`);
    const text = JSON.stringify(body);
    const lines = headersOf({ ...identity, sign: undefined }, command, text, clock.now());
    const header = (name: string) => lines[lines.indexOf(name) + 1];
    const parcel: Parcel = { number: ++this.sent, path: `${handler}/${body.op}`, header, body: Buffer.from(text) };
    onSend();
    if (weather.hits('proxy answers in its place')) return readAnswer(page, body.op, clock.now());
    const delayMs = weather.hits('request delayed') ? weather.dice('request delayed').between(1, 1500) : 0;
    const ways = [this.#deliver(from, participant, parcel, delayMs)];
    if (weather.strikes('request duplicated')) {
      weather.took('request duplicated');
      ways.push(
        this.#deliver(from, participant, parcel, delayMs + weather.dice('request duplicated').between(0, 3000)),
      );
    }
    if (weather.hits('request comes after the end')) {
      const laterMs = weather.dice('request comes after the end').between(3000, 15_000);
      this.comesLate(laterMs);
      void this.#deliver(from, participant, parcel, laterMs);
    }
    const answer = await Promise.race(ways);
    if (weather.hits('answer delayed')) await this.#wait(weather.dice('answer delayed').between(1, 1500));
    if (answer && (weather.hits('answer lost') || this.isCut(from, 'back', participant))) return never();
    return answer ? readAnswer(this.#garbled(asHttp(answer)), body.op, clock.now()) : gone;
  }

  /** As a proxy on the way may leave it: cut short, or a page of its own. */
  #garbled(answer: Answer): Answer {
    const { weather } = this.#parts;
    if (answer.body.byteLength === 0 || !weather.hits('answer garbled')) return answer;
    const isShort = weather.dice('answer garbled').chance(0.5);
    return { ...answer, body: isShort ? answer.body.subarray(0, -1) : Buffer.from('<html>') };
  }

  /** Undefined: nobody is there. */
  async #deliver(from: string, participant: string, parcel: Parcel, delayMs: number): Promise<WireAnswer | undefined> {
    const { weather, instancesOf, trace, world } = this.#parts;
    if (weather.hits('request lost')) return never();
    if (delayMs > 0) await this.#wait(delayMs);
    if (this.isCut(from, 'towards', participant)) return never();
    const there = instancesOf(participant);
    const instance = there[this.#turn++ % Math.max(1, there.length)];
    if (!instance) return undefined;
    if ((this.#newest.get(participant) ?? 0) > parcel.number) weather.took('requests reordered');
    else this.#newest.set(participant, parcel.number);
    trace.note(`${world.ms} ${instance.name} gets ${parcel.number}`);
    return instance.take(parcel.path, parcel.header, parcel.body);
  }

  isCut(from: string, way: 'towards' | 'back', participant: string): boolean {
    const cut = this.cuts.size > 0 && this.cuts.has(`${from} ${way} ${participant}`);
    if (cut)
      this.#parts.weather.took(
        way === 'towards' ? 'partition towards a participant' : 'partition back from a participant',
      );
    return cut;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }

  /** As its sender sees it: in flight until it was answered or timed out. */
  async #watched(from: string, command: Command, reply: Promise<Reply>): Promise<Reply> {
    const { xid, branch, op, kind = 'saga' } = command.body;
    const place = `${from} ${xid} ${branch}`;
    const other = this.#inFlight.get(place);
    if (other && op !== 'check') this.#assertAlone(place, other, command, kind);
    this.#inFlight.set(place, command);
    const end = this.#limited.begins(from, command, this.#parts.world.ms);
    let wasSent = true;
    try {
      const came = await reply;
      wasSent = !('sent' in came);
      return came;
    } finally {
      end(wasSent);
      if (this.#inFlight.get(place) === command) this.#inFlight.delete(place);
    }
  }

  /** Each attempt is a command of its own; only a queue makes two of one, or a store that refuses to count it. */
  #assertNew(command: string): void {
    const { on } = this.#parts.weather;
    const mayBeTwice = repeating.some((fault) => on.has(fault));
    if (this.#known.has(command) && !mayBeTwice) this.violations.push(`I14 ${command} is sent twice`);
    this.#known.add(command);
  }

  #assertAlone(
    place: string,
    other: Command,
    { body: { op } }: Command,
    kind: NonNullable<Command['body']['kind']>,
  ): void {
    if (phaseOf(kind, other.body.op) !== 'forward') return;
    const phase = phaseOf(kind, op);
    if (phase === 'forward') this.violations.push(`I5 ${place}: ${op} is sent twice at once`);
    if (phase === 'rollback') this.violations.push(`I7 ${place}: ${op} is sent while the forward op is in flight`);
  }
}

const json = Object.freeze({ 'content-type': 'application/json' });

/** Of somebody on the way who never asked the participant. */
const page: Answer = Object.freeze({ status: 200, headers: json, body: Buffer.from('<html>') });

const asHttp = ({ status, headers, body }: WireAnswer): Answer => ({
  status,
  headers: body === undefined ? headers : { ...json, ...headers },
  body: Buffer.from(body ?? ''),
});
