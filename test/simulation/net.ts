/** The network between clients and coordinators, with a load balancer in it: requests as over HTTP, and what becomes of them. */
import { type Calls, callsOver } from '../../sdk/client/calls.js';
import { exchangeWith } from '../../sdk/client/exchange.js';
import type { Carrier } from '../../sdk/client/wire.js';
import type { ProcessClock, World } from '../engine/clock.js';
import { never } from '../helpers/never.js';
import type { Dice } from './chance.js';
import type { HttpAnswer, HttpRequest } from './door.js';
import type { Member } from './member.js';
import type { Trace } from './trace.js';
import type { Fault, Weather } from './weather.js';

export interface NetParts {
  readonly world: World;
  readonly weather: Weather;
  readonly trace: Trace;
  /** Time that goes on whoever dies. */
  readonly clock: ProcessClock;
  readonly dice: Dice;
  /** Every coordinator that ever was. */
  readonly members: readonly Member[];
}

const refused = () => Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED', syscall: 'connect' });
const reset = () => Object.assign(new Error('the other side closed'), { code: 'UND_ERR_SOCKET' });

export class Net {
  readonly #parts: NetParts;
  /** Who got a request last, by what it is. */
  readonly #lastTo = new Map<string, string>();

  readonly #refused = new WeakSet<HttpRequest>();

  constructor(parts: NetParts) {
    this.#parts = parts;
  }

  /** What a client's requests go out by. */
  carrier(from: string): Carrier {
    return {
      request: ({ signal, ...request }) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          const answered = ({ status, headers, text }: HttpAnswer) =>
            resolve({ statusCode: status, headers, body: { text: async () => text } });
          this.#send(from, request, answered, reject);
        }),
      close: async () => undefined,
    };
  }

  /** The requests of a process that is no client of ours: an instance, a provider. */
  calls(from: string, clock: ProcessClock, uuid: () => string, answerWithinMs: number): Calls {
    const ambient = { monotonic: () => clock.monotonic(), after: clock.after.bind(clock), uuid };
    const patience = { strangerMs: 1500, knownMs: 4000 };
    const options = { carrier: this.carrier(from), ambient, patience, answerWithinMs };
    return callsOver(exchangeWith('http://coordinators', options), ambient);
  }

  #send(from: string, request: HttpRequest, answered: (answer: HttpAnswer) => void, failed: (error: Error) => void) {
    const { weather, clock } = this.#parts;
    const member = this.#balance(from, request);
    if (!member) return void clock.after(1, () => failed(refused()));
    if (weather.hits('client request lost')) return;
    const delayMs = this.#drawn('client request delayed', 1, 1500) ?? 0;
    // By a timer, so that it arrives outside of the sender's context.
    clock.after(delayMs, () => void this.#arrive(from, member, request).then(answered, failed));
    const laterMs = this.#drawn('client request duplicated', 0, 3000);
    if (laterMs === undefined) return;
    clock.after(delayMs + laterMs, () => {
      // Whoever sends a second copy has no answer yet: a no to the first is a no.
      if (!this.#refused.has(request)) void this.#arrive(from, member, request).catch(() => undefined);
    });
  }

  /** Somebody who is there, as far as is known. */
  #balance(from: string, { method, path, body }: HttpRequest): Member | undefined {
    const { weather, dice, members } = this.#parts;
    const there = members.filter(({ clock }) => clock.state !== 'dead');
    const meetsDead = there.length < members.length && weather.hits('client meets a dead coordinator');
    const member = meetsDead || there.length === 0 ? undefined : dice.one(there);
    if (!member || method === 'GET' || method === 'PUT') return member;
    const key = `${from} ${path} ${body}`;
    const before = this.#lastTo.get(key);
    this.#lastTo.set(key, member.name);
    if (before !== undefined && before !== member.name) weather.took('client sent to another coordinator');
    return member;
  }

  async #arrive(from: string, member: Member, request: HttpRequest): Promise<HttpAnswer> {
    const { weather, trace, world } = this.#parts;
    if (member.clock.state === 'paused') await member.resumed();
    if (isGone(member)) throw this.#broken();
    trace.note(`${world.ms} ${member.name} is asked by ${from} ${request.method} ${request.path}`);
    const answering = member.door(request);
    const impatientMs = this.#drawn('gateway answers before the coordinator', 1, 300);
    if (impatientMs !== undefined) {
      await this.#wait(impatientMs);
      return { status: weather.dice('gateway answers before the coordinator').one([408, 502, 504]), ...nothing };
    }
    const answer = await Promise.race([answering, member.died]);
    if (answer && answer.status >= 400 && answer.status < 500) this.#refused.add(request);
    if (answer && weather.hits('coordinator dies before it answers a client')) member.kill();
    if (member.clock.state === 'paused') await member.resumed();
    if (!answer || isGone(member)) throw this.#broken();
    return this.#back(from, request, answer);
  }

  async #back(from: string, { path }: HttpRequest, answer: HttpAnswer): Promise<HttpAnswer> {
    const { weather, trace, world } = this.#parts;
    if (weather.hits('client answer lost')) return never();
    if (weather.hits('client answer garbled')) return { ...answer, text: answer.text.slice(0, answer.text.length / 2) };
    const delayMs = this.#drawn('client answer delayed', 1, 1500);
    if (delayMs !== undefined) await this.#wait(delayMs);
    trace.note(`${world.ms} ${from} hears ${answer.status} to ${path}`);
    return answer;
  }

  #broken(): Error {
    this.#parts.weather.took('client connection reset');
    return reset();
  }

  /** How much of a fault there is; undefined when it does not strike. */
  #drawn(fault: Fault, least: number, most: number): number | undefined {
    const { weather } = this.#parts;
    return weather.hits(fault) ? weather.dice(fault).between(least, most) : undefined;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#parts.clock.after(ms, resolve));
  }
}

const isGone = ({ clock }: Member): boolean => clock.state === 'dead';
const nothing = Object.freeze({ headers: Object.freeze({}), text: '<html>' });
