import type { CoordinatorId } from '../../sdk/protocol/ids.js';
import type { Clock } from '../clock.js';
import type { Lease } from '../store/store.js';

export interface LivesParts {
  readonly me: Omit<Lease, 'renewedAt'>;
  readonly clock: Clock;
  /** Whether a process of this host is there. */
  readonly isAlive: (pid: number) => boolean;
}

interface Seen {
  readonly renewedAt: number;
  /** On the monotonic clock: the first look that found it so. */
  readonly since: number;
}

/**
 * Tells whose lease is over. A store in a file has no clock of its own: between the starts of two processes the machine's
 * may have jumped, and each then finds the other's lease long over, or renewed tomorrow. So what a lease does while it is
 * watched counts more than what it says.
 */
export class Lives {
  readonly #parts: LivesParts;
  #seen = new Map<CoordinatorId, Seen>();

  constructor(parts: LivesParts) {
    this.#parts = parts;
  }

  isOver(lease: Lease): boolean {
    const { clock, me, isAlive } = this.#parts;
    const isNeighbour = lease.host === me.host && lease.pid !== me.pid;
    if (isNeighbour && !isAlive(lease.pid)) return true;
    const now = clock.monotonic();
    const before = this.#seen.get(lease.id);
    if (before?.renewedAt !== lease.renewedAt) {
      this.#seen.set(lease.id, { renewedAt: lease.renewedAt, since: now });
      if (before) return false;
    } else if (now - before.since >= lease.leaseMs) return true;
    // A process of this host is there, if perhaps another one: it is given the time to renew.
    return !isNeighbour && clock.now() - lease.renewedAt >= lease.leaseMs;
  }

  /** Forgets all leases but these. */
  keep(leases: readonly Lease[]): void {
    const ids = new Set(leases.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
  }
}
