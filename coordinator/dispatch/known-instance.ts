import { planted } from '#faults';
import type { Clock } from '../clock.js';
import type { Instance } from '../store/store.js';

/** For so long others are asked first after one gave no answer at all. */
const avoidMs = 1000;
/** And at most for so long, however long it asked for. */
const avoidMaxMs = 60_000;
/** For so long a host gets single commands after it did not know batches. */
const singleMs = 60_000;

/** An instance as this process knows it: what is registered, and how sending to it went. */
export class KnownInstance {
  row: Instance;
  /** Number of the last change that was made here. */
  changed: number;
  /** Commands that were sent and not answered yet. */
  outstanding = 0;
  readonly #clock: Clock;
  /** By this process's monotonic time. */
  #aliveUntil: number;
  #names: ReadonlySet<string>;
  #avoidUntil = Number.NEGATIVE_INFINITY;
  #singleUntil = Number.NEGATIVE_INFINITY;

  constructor(row: Instance, clock: Clock, changed: number) {
    this.row = row;
    this.changed = changed;
    this.#clock = clock;
    this.#names = namesOf(row);
    // The clock that renewed it may have been another one: it never has more time than it asked for.
    const left = row.renewedAt + row.ttlMs - clock.now();
    this.#aliveUntil = clock.monotonic() + Math.min(row.ttlMs, left);
  }

  get isAlive(): boolean {
    return this.row.ttlMs > 0 && (this.#clock.monotonic() < this.#aliveUntil || planted('send-to-expired-instances'));
  }

  get isAvoided(): boolean {
    return this.#clock.monotonic() < this.#avoidUntil;
  }

  /** Whether several commands may go to it in one request. */
  get takesBatches(): boolean {
    return this.row.batch && this.#clock.monotonic() >= this.#singleUntil;
  }

  has(handler: string): boolean {
    return this.#names.has(handler);
  }

  answersCheck(name: string): boolean {
    return this.row.checks?.includes(name) ?? true;
  }

  /** Takes a newer row. One that was renewed since the last look was so just now, whatever its clock says. */
  renew(row: Instance, changed: number): void {
    const { renewedAt, url } = this.row;
    if (row.renewedAt !== renewedAt) this.#aliveUntil = this.#clock.monotonic() + row.ttlMs;
    if (row.url !== url) this.#forgive();
    if (row.handlers !== this.row.handlers) this.#names = namesOf(row);
    this.row = row;
    this.changed = changed;
  }

  /** `askedMs`: how long it asked to be left alone. */
  gaveNoAnswer(askedMs = 0): void {
    this.#avoidUntil = this.#clock.monotonic() + Math.max(avoidMs, Math.min(askedMs, avoidMaxMs));
  }

  knowsNoBatches(): void {
    this.#singleUntil = this.#clock.monotonic() + singleMs;
  }

  #forgive(): void {
    this.#avoidUntil = Number.NEGATIVE_INFINITY;
    this.#singleUntil = Number.NEGATIVE_INFINITY;
  }
}

const namesOf = ({ handlers }: Instance): ReadonlySet<string> => new Set(handlers.map(({ name }) => name));
