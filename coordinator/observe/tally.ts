import { isFinal, type TransactionStatus } from '../../sdk/protocol/views.js';
import type { Clock } from '../clock.js';
import type { Append, Store, StoreError, StoreErrorKind } from '../store/store.js';

/** Statuses after which nothing happens any more, and the others. */
export const finishedStatuses = [
  'committed',
  'rolled_back',
  'resolved',
] as const satisfies readonly TransactionStatus[];
export const unfinishedStatuses = [
  'active',
  'committing',
  'rolling_back',
  'parked',
] as const satisfies readonly TransactionStatus[];

export type FinishedStatus = (typeof finishedStatuses)[number];

/** Counts by the second, for the last minute. */
class Minute {
  readonly #seconds = new Float64Array(60).fill(Number.NEGATIVE_INFINITY);
  readonly #counts = new Float64Array(60);

  add(ms: number): void {
    const second = Math.floor(ms / 1000);
    const place = second % 60;
    if (this.#seconds[place] !== second) {
      this.#seconds[place] = second;
      this.#counts[place] = 0;
    }
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
  }

  sum(now: number): number {
    const second = Math.floor(now / 1000);
    let sum = 0;
    for (let i = 0; i < 60; i++) if ((this.#seconds[i] ?? 0) > second - 60) sum += this.#counts[i] ?? 0;
    return sum;
  }
}

/** What this coordinator brought into the log since it started. Plain numbers: they are counted for every append. */
export class Tally {
  opened = 0;
  readonly finished: Record<FinishedStatus, number> = { committed: 0, rolled_back: 0, resolved: 0 };
  readonly storeErrors = new Map<StoreErrorKind, number>();
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #since: number;
  readonly #openedLately = new Minute();
  readonly #finishedLately = new Minute();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** Takes note of an append that won. */
  won({ seq, at, summary }: Append): void {
    if (seq === 1) {
      this.opened++;
      this.#openedLately.add(this.#clock.monotonic());
    }
    // A summary may be written again after the end.
    if (summary === null || !isFinal(summary.status) || summary.finishedAt !== at) return;
    this.finished[summary.status as FinishedStatus]++;
    this.#finishedLately.add(this.#clock.monotonic());
  }

  /** Takes note of what a store rejected with. */
  failed(error: unknown): void {
    const kind = (error as Partial<StoreError>).kind ?? 'outage';
    if (!notTheStores.has(kind)) this.storeErrors.set(kind, (this.storeErrors.get(kind) ?? 0) + 1);
  }

  /** Per second, over the last minute, or since the start if that is less. */
  rates(): { readonly openedPerSecond: number; readonly finishedPerSecond: number } {
    const now = this.#clock.monotonic();
    const seconds = Math.min(60, Math.max(1, (now - this.#since) / 1000));
    return {
      openedPerSecond: this.#openedLately.sum(now) / seconds,
      finishedPerSecond: this.#finishedLately.sum(now) / seconds,
    };
  }
}

/** What a caller asked for that is no trouble of the store. */
const notTheStores: ReadonlySet<StoreErrorKind> = new Set(['bad_cursor', 'closed', 'purged']);

/** A store that takes note of what goes into it, and of what it fails at. `onAppended`: how long an append took. */
export function talliedStore(
  store: Store,
  tally: Tally,
  clock: Pick<Clock, 'monotonic'>,
  onAppended: (ms: number) => void = () => undefined,
): Store {
  const failed = (error: unknown): never => {
    tally.failed(error);
    throw error;
  };
  const watched = Object.fromEntries(
    Object.entries(store).map(([name, method]) => [
      name,
      typeof method === 'function' ? noting(method, failed) : method,
    ]),
  ) as unknown as Store;
  return {
    ...watched,
    append(append) {
      const began = clock.monotonic();
      return store.append(append).then((answer) => {
        onAppended(clock.monotonic() - began);
        if (answer === 'won') tally.won(append);
        return answer;
      }, failed);
    },
  };
}

type Method = (...values: readonly unknown[]) => unknown;

const noting =
  (method: Method, failed: (error: unknown) => never): Method =>
  (...values) => {
    const result = method(...values);
    return result instanceof Promise ? result.catch(failed) : result;
  };
