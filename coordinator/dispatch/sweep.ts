/**
 * Finds what nobody is looking after: transactions that are due, that were not seen through, and those of coordinators
 * that died. Keeps the lease on a beat of its own. Leases save work; correctness never rests on them.
 */
import { planted } from '#faults';
import type { CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import type { Chance } from '../clock.js';
import type { Store } from '../store/store.js';
import { Lives, type LivesParts } from './lives.js';

export interface SweepParts extends LivesParts {
  readonly store: Store;
  readonly chance: Chance;
  readonly sweepMs: number;
  readonly wake: (xid: Xid) => Promise<void>;
  readonly adopt: (xid: Xid, from: CoordinatorId) => Promise<void>;
  /** Gives up on commands of which nothing came back. */
  readonly review: () => void;
  /** What else is looked after once a round. */
  readonly tend: () => Promise<void>;
  /** Transactions that were not seen through. */
  readonly takeDoubts: () => readonly Xid[] | 'all';
  /** Transactions that are looked after, or cannot be: the due ones among them crowd the front of the list. */
  readonly stayDue: () => number;
  readonly onError: (error: unknown) => void;
}

/** How many are looked after at once. */
const batch = 200;
/** A lease is renewed three times in its life; after a failure the next try comes sooner. */
const renewalsPerLease = { usual: 3, afterFailure: 10 };
const roundsPerTidying = 64;
/** From so many on, those that stay due are too many to be read in every round. */
const crowdMin = 2000;
const roundsPerWholeLook = 32;
/** What became due may be seen so much later: the clock may have been set back a little. */
const lateMs = 10_000;

export class Sweep {
  readonly #parts: SweepParts;
  readonly #lives: Lives;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #term = 0;
  #allDoubted = false;
  #round = 0;
  /** When it was looked for last, UTC ms. */
  #dueBefore = 0;
  #cancelBeat: () => void = () => undefined;
  #cancelRound: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();
  #renewing: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: SweepParts) {
    this.#parts = parts;
    this.#lives = new Lives(parts);
  }

  /**
   * Under which lease this process may believe that its transactions are its own, by its own monotonic time; undefined
   * when it ran out. A new number after it lapsed: what was begun before may be another's by now.
   */
  leaseTerm(): number | undefined {
    return this.#lapsed() && !planted('lease-never-ends') ? undefined : this.#term;
  }

  /** How long ago the lease was renewed, in ms. */
  leaseAgeMs(): number {
    return this.#parts.clock.monotonic() - this.#renewedAt;
  }

  /** Takes a lease, and goes on at random within the interval, or at once. */
  async start(atOnce = false): Promise<void> {
    await this.#renew();
    this.#scheduleBeat(renewalsPerLease.usual);
    this.#scheduleRound(atOnce ? 0 : undefined);
  }

  /** Waits for what goes on: a renewal that came after the lease was dropped would hold up the successor. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelBeat();
    this.#cancelRound();
    await Promise.all([this.#running, this.#renewing]);
  }

  /** One round. */
  async sweep(): Promise<void> {
    this.#round++;
    const { store, clock, review, tend, onError } = this.#parts;
    clock.set(await store.now());
    await tend().catch(onError);
    if (planted('no-sweep')) return;
    if (!planted('no-review')) review();
    await this.#wakeDoubted();
    await this.#wakeDue();
    if (!planted('no-adoption')) await this.#adoptOrphans();
  }

  /** Restarts of many coordinators at once do not fall into step: the interval is drawn each time. */
  #scheduleRound(delayMs?: number): void {
    if (this.#stopped) return;
    const { clock, chance, sweepMs, onError } = this.#parts;
    this.#cancelRound = clock.after(delayMs ?? sweepMs * (0.5 + chance.draw() / 2), () => {
      this.#running = this.sweep()
        .catch(onError)
        .then(() => this.#scheduleRound());
    });
  }

  /** Apart from the rounds: a long one must not cost the lease. */
  #scheduleBeat(perLease: number): void {
    if (this.#stopped) return;
    const { clock, me, onError } = this.#parts;
    this.#cancelBeat = clock.after(me.leaseMs / perLease, () => {
      this.#renewing = this.#renew().then(
        () => this.#scheduleBeat(renewalsPerLease.usual),
        (error) => {
          onError(error);
          this.#scheduleBeat(renewalsPerLease.afterFailure);
        },
      );
    });
  }

  async #renew(): Promise<void> {
    const { clock, store, me } = this.#parts;
    // Counted from before the call: the store may have taken it at any moment since.
    const before = clock.monotonic();
    clock.set(await store.renewLease(me));
    if (this.#lapsed()) this.#term++;
    this.#renewedAt = before;
  }

  #lapsed(): boolean {
    return this.#parts.clock.monotonic() - this.#renewedAt >= this.#parts.me.leaseMs;
  }

  async #wakeDoubted(): Promise<void> {
    const { me, wake, takeDoubts } = this.#parts;
    // Without a lease nothing could be sent upon what is read.
    if (this.leaseTerm() === undefined) return;
    const doubted = takeDoubts();
    if (doubted === 'all') this.#allDoubted = true;
    else await inBatches(doubted, wake);
    if (!this.#allDoubted) return;
    await this.#all(me.id, wake);
    this.#allDoubted = false;
  }

  async #wakeDue(): Promise<void> {
    const { store, clock, me, wake, stayDue } = this.#parts;
    const now = clock.now();
    const crowd = stayDue();
    // In a crowd that stays due only what became due of late is looked for, and all of it now and then.
    const isAll = crowd < crowdMin || this.#round % roundsPerWholeLook === 0;
    const due = await store.due(me.id, now, batch + crowd, isAll ? undefined : this.#dueBefore - lateMs);
    this.#dueBefore = now;
    await inBatches(due, wake);
  }

  async #adoptOrphans(): Promise<void> {
    const { store, me, adopt } = this.#parts;
    const owners = await store.owners();
    for (const { owner, lease } of owners) {
      if (owner === me.id || (lease && !this.#lives.isOver(lease))) continue;
      await this.#all(owner, (xid) => adopt(xid, owner));
      if (lease) await store.dropLease(owner);
    }
    const present = new Set(owners.map(({ owner }) => owner));
    if (this.#round % roundsPerTidying === 1) await this.#dropOldLeases(present);
  }

  /** Of coordinators that are long gone and left nothing behind: one for each restart. */
  async #dropOldLeases(owners: ReadonlySet<CoordinatorId>): Promise<void> {
    const { store, me } = this.#parts;
    const leases = await store.leases();
    for (const lease of leases) {
      if (lease.id !== me.id && !owners.has(lease.id) && this.#lives.isOver(lease)) await store.dropLease(lease.id);
    }
    this.#lives.keep(leases);
  }

  /** Every transaction of an owner that is under way, a page after the other. */
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
