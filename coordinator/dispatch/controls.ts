import type { AuditEntry, ParticipantChange, Store } from '../store/store.js';
import type { Dispatcher } from './dispatcher.js';
import type { Health, Limits } from './lane.js';
import type { Lanes } from './lanes.js';

export interface ControlsParts {
  readonly store: Pick<Store, 'changeParticipant' | 'participants'>;
  readonly lanes: Lanes;
  readonly out: Pick<Dispatcher, 'waitingFor' | 'asideFor'>;
}

/** A target as operators see it. */
export interface Controlled {
  readonly name: string;
  readonly limits: Limits;
  readonly health: Health;
}

/**
 * What operators set for participants, and how they are. The store is the truth: what is changed here holds here at once,
 * and elsewhere by the next round of the sweep. Each coordinator keeps to the limits by itself.
 */
export class Controls {
  readonly #parts: ControlsParts;
  #names: ReadonlySet<string> = new Set();
  /** Changes that were made here, counted: what was read before one of them does not undo it. */
  #changes = 0;

  constructor(parts: ControlsParts) {
    this.#parts = parts;
  }

  /** Resolves once it is durable and holds here. Rejects with what the store says. */
  async change(change: ParticipantChange, audit?: AuditEntry): Promise<void> {
    this.#changes++;
    const row = await this.#parts.store.changeParticipant(change, audit);
    this.#changes++;
    this.#names = new Set(this.#names).add(row.name);
    this.#parts.lanes.limit(row.name, row);
  }

  /** Reads what was set elsewhere. Rejects with what the store says. */
  async refresh(): Promise<void> {
    const before = this.#changes;
    const rows = await this.#parts.store.participants();
    // The next round sees what was changed meanwhile.
    if (this.#changes !== before) return;
    this.#names = new Set(rows.map(({ name }) => name));
    for (const row of rows) this.#parts.lanes.limit(row.name, row);
  }

  of(name: string): Controlled {
    const { lanes, out } = this.#parts;
    const health = lanes.healthOf(name);
    return {
      name,
      limits: lanes.limitsOf(name),
      health: { ...health, held: health.held + out.waitingFor(name) },
    };
  }

  /** Commands that wait for room at targets that are well and that nobody limited. */
  waitingForRoom(): number {
    const { lanes, out } = this.#parts;
    return lanes.waitingForRoom() + out.asideFor((name) => lanes.isWell(name));
  }

  /** Those that something was set for, or sent to. */
  names(): readonly string[] {
    return [...new Set([...this.#names, ...this.#parts.lanes.names()])];
  }
}
