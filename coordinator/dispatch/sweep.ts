/**
 * Finds what nobody is looking after: transactions that are due, and those of coordinators that died. Renews the lease
 * and samples the store's clock on the way. Leases save work; correctness never rests on them.
 */
import { planted } from '#faults';
import type { CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import type { Chance, Clock } from '../clock.js';
import type { Lease, Store } from '../store/store.js';

export interface SweepParts {
  readonly me: Omit<Lease, 'renewedAt'>;
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly sweepMs: number;
  /** Whether a process of this host is there. */
  readonly isAlive: (pid: number) => boolean;
  readonly wake: (xid: Xid) => Promise<void>;
  readonly adopt: (xid: Xid, from: CoordinatorId) => Promise<void>;
  /** Called for each of our transactions after the lease had lapsed: another may have them. */
  readonly recall: (xid: Xid) => Promise<void>;
  /** Transactions in memory: the due ones among them crowd the front of the list. */
  readonly held: () => number;
  readonly onError: (error: unknown) => void;
}

/** How many are looked after at once. */
const batch = 200;
/** A lease is renewed three times in its life. */
const renewalsPerLease = 3;

export class Sweep {
  readonly #parts: SweepParts;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #lapsed = false;
  #cancel: () => void = () => undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: SweepParts) {
    this.#parts = parts;
  }

  /** Whether this process may believe that its transactions are its own, by its own monotonic time. */
  holds(): boolean {
    const sinceMs = this.#parts.clock.monotonic() - this.#renewedAt;
    return sinceMs < this.#parts.me.leaseMs || planted('lease-never-ends');
  }

  /** Renews the lease, takes over what is left behind, and goes on at random within the interval. */
  async start(): Promise<void> {
    await this.#renew();
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
  }

  /** One round. */
  async sweep(): Promise<void> {
    await this.#renewWhenDue();
    if (planted('no-sweep')) return;
    if (this.#lapsed && this.holds()) {
      await this.#recallMine();
      this.#lapsed = false;
    }
    await this.#wakeDue();
    await this.#adoptOrphans();
  }

  /** Restarts of many coordinators at once do not fall into step: the interval is drawn each time. */
  #schedule(): void {
    if (this.#stopped) return;
    const { clock, chance, sweepMs } = this.#parts;
    this.#cancel = clock.after(sweepMs * (0.5 + chance.draw() / 2), () => {
      this.#running = this.sweep()
        .catch((error) => this.#parts.onError(error))
        .then(() => this.#schedule());
    });
  }

  async #renewWhenDue(): Promise<void> {
    const { clock, store, me } = this.#parts;
    const sinceMs = clock.monotonic() - this.#renewedAt;
    if (sinceMs >= me.leaseMs / renewalsPerLease) await this.#renew();
    else clock.set(await store.now());
  }

  async #renew(): Promise<void> {
    const { clock, store, me } = this.#parts;
    if (!this.holds() && this.#renewedAt > 0) this.#lapsed = true;
    // Counted from before the call: the store may have taken it at any moment since.
    const before = clock.monotonic();
    clock.set(await store.renewLease(me));
    this.#renewedAt = before;
  }

  async #wakeDue(): Promise<void> {
    const { store, clock, me, wake, held } = this.#parts;
    const due = await store.due(me.id, clock.now(), batch + held());
    await inBatches(due, wake);
  }

  async #adoptOrphans(): Promise<void> {
    const { store, adopt, me } = this.#parts;
    for (const { owner, lease } of await store.owners()) {
      if (owner === me.id || (lease && !this.#isOver(lease))) continue;
      await this.#all(owner, (xid) => adopt(xid, owner));
      if (lease) await store.dropLease(owner);
    }
  }

  #isOver(lease: Lease): boolean {
    const { clock, me, isAlive } = this.#parts;
    if (clock.now() - lease.renewedAt >= lease.leaseMs) return true;
    return lease.host === me.host && lease.pid !== me.pid && !isAlive(lease.pid);
  }

  #recallMine(): Promise<void> {
    return this.#all(this.#parts.me.id, this.#parts.recall);
  }

  /** Every unfinished transaction of an owner, a page after the other. */
  async #all(owner: CoordinatorId, each: (xid: Xid) => Promise<void>): Promise<void> {
    let after: Xid | null = null;
    do {
      const page: readonly Xid[] = await this.#parts.store.owned(owner, after, batch);
      await inBatches(page, each);
      after = page.length === batch ? (page.at(-1) ?? null) : null;
    } while (after !== null && !this.#stopped);
  }
}

async function inBatches(xids: readonly Xid[], each: (xid: Xid) => Promise<void>): Promise<void> {
  for (let i = 0; i < xids.length; i += batch) await Promise.all(xids.slice(i, i + batch).map(each));
}
