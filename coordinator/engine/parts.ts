import type { CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import type { Chance, Clock } from '../clock.js';
import type { Log } from '../observe/log.js';
import type { CommandQueue } from '../queue/queue.js';
import type { Store, StoreError } from '../store/store.js';

/** What an engine is built of. */
export interface EngineParts {
  readonly me: CoordinatorId;
  readonly store: Store;
  readonly queue: CommandQueue;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** The lease under which this process may believe that its transactions are its own: another number after it lapsed. */
  readonly leaseTerm: () => number | undefined;
  /** Drops a command that was handed on but not sent yet; it is then reported like any other. False when it was sent. */
  readonly recall: (xid: Xid, branch: number) => boolean;
  /** Whether a command of that branch waits for room at its target: not sent, and no attempt. */
  readonly isHeld: (xid: Xid, branch: number) => boolean;
  /** Due times nearer than this are kept in memory; later ones come back by the sweep. */
  readonly horizonMs: number;
  /** The store can no longer be trusted. */
  readonly onBroken: (error: StoreError) => void;
}
