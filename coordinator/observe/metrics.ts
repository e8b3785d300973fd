/**
 * What Prometheus reads. Whatever happens for every transaction is a plain number or a histogram whose labels are resolved
 * once; the rest is read when it is asked for. Labels are names of participants, web origins, routes and words of ours:
 * never an xid, never a payload, and never more than so many.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { BreakerState } from '../../sdk/protocol/views.js';
import { breakerStates } from '../../sdk/protocol/views.js';
import type { UnderWay } from './census.js';
import { finishedStatuses, type Tally, unfinishedStatuses } from './tally.js';

/** Participants and origins with a series of their own; the others share one. */
const placesMax = 200;
export const otherPlaces = 'other';

const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly duration: { observe(seconds: number): void };
  readonly byResult: Map<string, number>;
}

/** How one place is doing, as the dispatcher says. */
export interface PlaceGauges {
  readonly name: string;
  readonly inFlight: number;
  readonly held: number;
  readonly breaker: BreakerState;
}

/** What a store commits groups with. */
interface GroupWriter {
  commit(group: readonly unknown[]): Promise<unknown>;
}

/** What is so at the moment of asking. */
export interface Moment extends UnderWay {
  readonly now: number;
  readonly places: readonly PlaceGauges[];
  readonly watchers: number;
  readonly leaseAgeMs: number;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #places = new Map<string, Map<string, Series>>();
  readonly #routes = new Map<object, Series>();
  readonly #callDuration = this.#histogram('branch_call_duration_seconds', 'One call to a participant', [
    'participant',
    'op',
  ]);
  readonly #requestDuration = this.#histogram('http_request_duration_seconds', 'Requests, to the head of the answer', [
    'route',
    'method',
  ]);
  readonly #appendDuration = this.#histogram('append_duration_seconds', 'An append, from decided to durable', []);
  readonly #groupSize = new Histogram({
    name: 'concordat_append_group_size',
    help: 'Appends in one commit',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers: [this.#registry],
  });
  readonly #transactions = this.#gauge('transactions', 'Transactions that are not final', ['status']);
  readonly #oldest = this.#gauge(
    'oldest_unfinished_age_seconds',
    'Age of the oldest transaction that is not final',
    [],
  );
  readonly #inFlight = this.#gauge('commands_in_flight', 'Commands that are being sent', ['participant']);
  readonly #held = this.#gauge('commands_held', 'Commands that wait for their target or for room there', [
    'participant',
  ]);
  readonly #breaker = this.#gauge('breaker_state', '1 for the state it is in', ['participant', 'state']);
  readonly #watchers = this.#gauge('stream_watchers', 'Open streams of events', []);
  readonly #leaseAge = this.#gauge('lease_age_seconds', "Since this coordinator's lease was renewed", []);

  constructor(tally: Tally) {
    collectDefaultMetrics({ register: this.#registry });
    this.#counter('transactions_opened_total', 'Opened by this coordinator', [], (add) => add({}, tally.opened));
    this.#counter('transactions_finished_total', 'Finished by this coordinator', ['status'], (add) => {
      for (const status of finishedStatuses) add({ status }, tally.finished[status]);
    });
    this.#counter('store_errors_total', 'What the store did not do', ['kind'], (add) => {
      for (const [kind, count] of tally.storeErrors) add({ kind }, count);
    });
    this.#counter('branch_calls_total', 'Calls to participants', ['participant', 'op', 'outcome'], (add) => {
      for (const ops of this.#places.values())
        for (const { labels, byResult } of ops.values())
          for (const [outcome, count] of byResult) add({ ...labels, outcome }, count);
    });
    this.#counter('http_requests_total', 'Requests that were answered', ['route', 'method', 'status'], (add) => {
      for (const { labels, byResult } of this.#routes.values())
        for (const [status, count] of byResult) add({ ...labels, status }, count);
    });
  }

  /** A call of that op to a participant or a web origin. */
  called(place: string, op: string, outcome: string, ms: number): void {
    count(this.#callsOf(place, op), outcome, ms);
  }

  /** A request of a route of the table, by its object. */
  answered(route: { readonly method: string; readonly path: string }, status: number, ms: number): void {
    let series = this.#routes.get(route);
    if (!series) {
      const labels = { route: route.path, method: route.method };
      series = { labels, duration: this.#requestDuration.labels(labels), byResult: new Map() };
      this.#routes.set(route, series);
    }
    count(series, String(status), ms);
  }

  appended(ms: number): void {
    this.#appendDuration.observe(ms / 1000);
  }

  /** The same writer, with the size of its groups noted. */
  grouped<Writer extends GroupWriter>(writer: Writer): Writer {
    return {
      ...writer,
      commit: (group: readonly never[]) => {
        this.#groupSize.observe(group.length);
        return writer.commit(group);
      },
    };
  }

  readonly contentType = this.#registry.contentType;

  /** In the text format of Prometheus. */
  text(moment: Moment): Promise<string> {
    const { counts, oldest, now, places, watchers, leaseAgeMs } = moment;
    for (const status of unfinishedStatuses) this.#transactions.set({ status }, counts.get(status) ?? 0);
    this.#oldest.set(oldest === null ? 0 : Math.max(0, now - oldest) / 1000);
    this.#watchers.set(watchers);
    this.#leaseAge.set(leaseAgeMs / 1000);
    // Who is gone is not told of for ever.
    for (const gauge of [this.#inFlight, this.#held, this.#breaker]) gauge.reset();
    for (const { name, inFlight, held, breaker } of places) {
      const participant = this.#labelOf(name);
      this.#inFlight.inc({ participant }, inFlight);
      this.#held.inc({ participant }, held);
      if (participant === otherPlaces) continue;
      for (const state of breakerStates) this.#breaker.set({ participant, state }, state === breaker ? 1 : 0);
    }
    return this.#registry.metrics();
  }

  #callsOf(name: string, op: string): Series {
    const known = this.#places.get(name)?.get(op);
    if (known) return known;
    const place = this.#labelOf(name);
    const ops = this.#places.get(place) ?? new Map<string, Series>();
    const labels = { participant: place, op };
    const series = ops.get(op) ?? { labels, duration: this.#callDuration.labels(labels), byResult: new Map() };
    this.#places.set(place, ops.set(op, series));
    return series;
  }

  #labelOf(place: string): string {
    if (this.#places.has(place)) return place;
    if (this.#places.size >= placesMax) return otherPlaces;
    this.#places.set(place, new Map());
    return place;
  }

  #histogram<T extends string>(name: string, help: string, labelNames: readonly T[]): Histogram<T> {
    return new Histogram({
      name: `concordat_${name}`,
      help,
      labelNames,
      buckets: seconds,
      registers: [this.#registry],
    });
  }

  #gauge<T extends string>(name: string, help: string, labelNames: readonly T[]): Gauge<T> {
    return new Gauge({ name: `concordat_${name}`, help, labelNames, registers: [this.#registry] });
  }

  /** A counter whose numbers are kept elsewhere. */
  #counter<T extends string>(
    name: string,
    help: string,
    labelNames: readonly T[],
    read: (add: (labels: Readonly<Partial<Record<T, string>>>, count: number) => void) => void,
  ): void {
    const counter: Counter<T> = new Counter({
      name: `concordat_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        read((labels, value) => counter.inc(labels as Record<T, string>, value));
      },
    });
  }
}

function count({ duration, byResult }: Series, result: string, ms: number): void {
  byResult.set(result, (byResult.get(result) ?? 0) + 1);
  duration.observe(ms / 1000);
}
