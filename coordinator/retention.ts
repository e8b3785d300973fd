import type { Clock } from './clock.js';
import type { Config } from './config.js';
import type { Log } from './observe/log.js';
import { freeXids, purgeFinished } from './store/purging.js';
import type { Store } from './store/store.js';

export interface RetentionParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
  /** How long a finished transaction is kept; null: for ever. */
  readonly retentionMs: number | null;
  /** How long the xid of one that was purged stays taken. */
  readonly tombstoneMs: number;
}

const roundMs = 60_000;

/** Purges by age. Any number of coordinators may do so on one store. */
export class Retention {
  readonly #parts: RetentionParts;
  #next = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** Begins a round where one is due. It goes on by itself: whoever calls has more urgent things to do. */
  tend(): void {
    const { clock, onError } = this.#parts;
    if (this.#running || this.#stopped || clock.monotonic() < this.#next) return;
    this.#next = clock.monotonic() + roundMs;
    this.#running = this.#round()
      .catch(onError)
      .then(() => {
        this.#running = undefined;
      });
  }

  /** Waits for the commit that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #round(): Promise<void> {
    const { store, clock, retentionMs, tombstoneMs } = this.#parts;
    const purging = { store, clock, isStopped: () => this.#stopped };
    if (retentionMs !== null) await purgeFinished(purging, clock.now() - retentionMs);
    await freeXids(purging, clock.now() - tombstoneMs);
  }
}

interface Around extends Pick<RetentionParts, 'store' | 'clock'> {
  readonly log: Log;
  readonly config: Pick<Config, 'retentionMs' | 'tombstoneMs'>;
}

/** As the configuration says. */
export const retentionOf = ({ store, clock, log, config }: Around): Retention =>
  new Retention({
    store,
    clock,
    onError: (error) => log.warn({ error: String(error) }, 'purging stopped; it goes on with the next round'),
    retentionMs: config.retentionMs,
    tombstoneMs: config.tombstoneMs,
  });
