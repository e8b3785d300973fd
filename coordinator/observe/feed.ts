/**
 * Every change of every transaction, whoever made it, for those who watch. One look at the store serves them all, and
 * nobody looks while nobody watches. A watcher may be told the same twice, and nothing is left out without a word.
 */
import type { Clock } from '../clock.js';
import type { Change, Store } from '../store/store.js';
import type { Log } from './log.js';

export interface Watcher {
  /** Each transaction once, as it is by now, in the order of their positions. */
  changed(changes: readonly Change[]): void;
  /** What came before this position, since the last one that was told, is not known. */
  missed(position: string): void;
  /** Nothing more is told: the store does not answer. */
  failed(): void;
}

export interface FeedParts {
  readonly store: Pick<Store, 'tail'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Log;
}

const pauseMs = { usual: 100, afterFailure: 1000 };

/** Rows of the log in one look, and looks that a watcher who comes back is worth: loading the list anew is cheaper then. */
const rowsMax = 2000;
const looksBehindMax = 5;

export class Feed {
  readonly #parts: FeedParts;
  readonly #watchers = new Set<Watcher>();
  /** Those who came to where the others are. */
  readonly #joined = new Set<Watcher>();
  /** Where that is; undefined while nobody watches. */
  #position: string | undefined;
  #looking: Promise<void> = Promise.resolve();
  #cancel: (() => void) | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** Where it is: who comes with this position misses nothing from now on. Rejects as the store does. */
  async here(): Promise<string> {
    await this.#looking;
    return this.#position ?? (await this.#now());
  }

  /** Tells what came after that position, and then what comes, until it is called back. */
  watch(watcher: Watcher, after: string): () => void {
    this.#watchers.add(watcher);
    this.#turn(() => this.#join(watcher, after));
    return () => {
      this.#watchers.delete(watcher);
      this.#joined.delete(watcher);
      this.#rest();
    };
  }

  /** One look at a time, so that nobody joins in the middle of another. */
  #turn(look: () => Promise<void>): void {
    this.#looking = this.#looking.then(look).then(
      () => this.#again(pauseMs.usual),
      (error: unknown) => {
        this.#parts.log.warn({ error: String(error) }, 'the changes cannot be read; trying again');
        this.#again(pauseMs.afterFailure);
      },
    );
  }

  #again(afterMs: number): void {
    if (this.#rest() || this.#cancel) return;
    this.#cancel = this.#parts.clock.after(afterMs, () => {
      this.#cancel = undefined;
      this.#turn(() => this.#look());
    });
  }

  /** True when nobody watches: nothing is looked at, and the next to come begins where it is then. */
  #rest(): boolean {
    if (this.#watchers.size > 0) return false;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#position = undefined;
    return true;
  }

  /** Brings one watcher to where the others are, or a little further. */
  async #join(watcher: Watcher, after: string): Promise<void> {
    try {
      this.#position ??= await this.#now();
      const reached = await this.#catchUp(watcher, after, this.#position);
      // Nobody else is behind.
      if (this.#joined.size === 0) this.#position = reached;
    } catch (error) {
      watcher.failed();
      throw error;
    }
    if (this.#watchers.has(watcher)) this.#joined.add(watcher);
  }

  /** Resolves with how far it came. */
  async #catchUp(watcher: Watcher, after: string, here: string): Promise<string> {
    let position = after;
    for (let looks = 0; position !== here && this.#watchers.has(watcher); looks++) {
      const tail = looks < looksBehindMax ? await this.#parts.store.tail(position, rowsMax) : null;
      if (!tail) {
        watcher.missed(here);
        return here;
      }
      if (tail.changes.length > 0) watcher.changed(tail.changes);
      ({ position } = tail);
      if (!tail.more) break;
    }
    return position;
  }

  async #look(): Promise<void> {
    for (let more = true; more && this.#watchers.size > 0; ) {
      const tail = await this.#parts.store.tail(this.#position ?? (await this.#now()), rowsMax);
      // A purge took the row that it stood on, or the store was repaired.
      if (!tail) return this.#startAnew();
      this.#position = tail.position;
      more = tail.more;
      if (tail.changes.length > 0) for (const watcher of this.#joined) watcher.changed(tail.changes);
    }
  }

  async #startAnew(): Promise<void> {
    const position = await this.#now();
    this.#position = position;
    for (const watcher of this.#joined) watcher.missed(position);
  }

  async #now(): Promise<string> {
    return (await this.#parts.store.tail(null, 0))?.position ?? '';
  }
}
