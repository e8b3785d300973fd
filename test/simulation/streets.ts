/**
 * Stands for the connections under the product's own HTTP transport: requests of one coordinator to the instances that
 * registered, by their addresses, alone and in batches, and what becomes of them and of their answers on the way.
 */
import type { Dispatcher } from 'undici';
import type { Pools } from '../../coordinator/dispatch/pools.js';
import { limits } from '../../sdk/protocol/limits.js';
import type { ProcessClock } from '../engine/clock.js';
import type { Instance } from './instance.js';
import { lateIn, type Posted, postedOf } from './posted.js';
import { type Flaw, Returned, type Taker } from './returned.js';
import type { Fault, Weather } from './weather.js';
import type { Wire } from './wire.js';

export interface StreetsParts {
  readonly wire: Wire;
  readonly weather: Weather;
  /** Time that goes on whoever dies. */
  readonly clock: ProcessClock;
  /** The coordinator. */
  readonly from: string;
  readonly instanceAt: (origin: string) => Instance | undefined;
  /** Whether the coordinator knows that whoever is there was renewed in time. */
  readonly mayBeSentTo: (origin: string) => boolean;
  /** The coordinator's clock, UTC ms. */
  readonly now: () => number;
  readonly onSend: () => void;
}

/** Who hears of a copy that the network made. */
const nobody: Taker = Object.freeze({});
const refused = () => Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED' });

export function streets(parts: StreetsParts): Pools {
  return {
    of: (origin) => ({
      dispatch(options, handler) {
        send(parts, origin, options, handler);
        return true;
      },
    }),
    destroy: async () => undefined,
  };
}

function send(parts: StreetsParts, origin: string, options: Dispatcher.DispatchOptions, taker: Taker): void {
  const { wire, weather, clock, from, onSend, mayBeSentTo } = parts;
  const posted = postedOf(options);
  const instance = parts.instanceAt(origin);
  const answer = returned(parts, taker, posted, instance);
  taker.onConnect?.((reason) => answer.fail(reason));
  if (answer.isOver) return;
  if (!mayBeSentTo(origin)) wire.violations.push(`I14 ${from} sends to ${origin}, which was not renewed in time`);
  wire.leaves(from, origin, posted);
  for (const late of lateIn(posted, parts.now()))
    wire.violations.push(`C7 ${from} sends ${late} when its time is over`);
  onSend();
  taker.onBodySent?.(0, 0);
  const delayMs = drawn(parts, 'request delayed', 1, 1500) ?? 0;
  if (weather.hits('request lost')) return;
  clock.after(delayMs, () => arrive(parts, posted, instance, answer));
  const copy = () => arrive(parts, posted, instance, returned(parts, nobody, posted, instance));
  const again = drawn(parts, 'request duplicated', 0, 3000);
  if (again !== undefined) clock.after(delayMs + again, copy);
  const late = drawn(parts, 'request comes after the end', 3000, 15_000);
  if (late === undefined) return;
  wire.comesLate(late);
  clock.after(late, copy);
}

function arrive(
  { wire, weather, from }: StreetsParts,
  posted: Posted,
  instance: Instance | undefined,
  answer: Returned,
) {
  if (!instance?.isAlive) {
    weather.took('request to an instance that is gone');
    answer.fail(refused());
  } else if (!wire.isCut(from, 'towards', instance.participant)) {
    if (posted.path === '/_batch') batchArrives(weather, posted, instance, answer);
    else instance.answers(posted, answer);
  }
}

/** At a host of ours, or at one of another make. */
function batchArrives(weather: Weather, posted: Posted, instance: Instance, answer: Returned): void {
  if (weather.hits('batch not known to the host')) {
    answer.writeHead(404, {});
    answer.end();
    return;
  }
  const one = 'batch answered as one document';
  // One left out of a document is all the worse, as nothing in it says which.
  const asDocument = weather.hits(one) || (answer.flaw === 'one is left out' && weather.dice(one).chance(0.6));
  const header = (name: string) => (name === 'accept' ? 'application/json' : posted.header(name));
  instance.answers(asDocument ? { ...posted, header } : posted, answer);
}

function returned(parts: StreetsParts, taker: Taker, { path }: Posted, instance: Instance | undefined): Returned {
  const { wire, weather, from, clock } = parts;
  const isLost = weather.strikes('answer lost');
  const delayMs = drawn(parts, 'answer delayed', 1, 1500) ?? 0;
  let isFirst = true;
  const passes = (deliver: () => void): void => {
    if (isLost && isFirst) weather.took('answer lost');
    isFirst = false;
    if (isLost || !instance || wire.isCut(from, 'back', instance.participant)) return;
    if (delayMs > 0) clock.after(delayMs, deliver);
    else deliver();
  };
  const isBatch = path === '/_batch';
  return new Returned({
    taker,
    passes,
    flaw: taker === nobody ? undefined : isBatch ? batchFlawOf(weather) : flawOf(weather),
    bytesMax: isBatch ? limits.batchAnswerBytes : limits.outcomeBodyBytes,
    onEndless: () => void wire.violations.push(`I14 ${from} reads an answer without end`),
    onStatus: (status) => {
      if (status === 401) wire.violations.push(`C ${from} sends ${path}, which is not signed as it must be`);
    },
  });
}

function batchFlawOf(weather: Weather): Flaw | undefined {
  const cut = 'batch answer cut short';
  if (weather.hits(cut)) return { cutAfter: weather.dice(cut).between(1, 200) };
  if (weather.hits('batch answer without end')) return 'without end';
  return weather.hits('batch answer leaves one out') ? 'one is left out' : undefined;
}

function flawOf(weather: Weather): Flaw | undefined {
  if (weather.hits('answer garbled')) return 'garbled';
  if (weather.hits('answer without end')) return 'without end';
  return weather.hits('answer redirects') ? 'redirects' : undefined;
}

function drawn({ weather }: StreetsParts, fault: Fault, least: number, most: number): number | undefined {
  return weather.hits(fault) ? weather.dice(fault).between(least, most) : undefined;
}
