/**
 * Who takes commands, as the store has it, kept in memory.
 * 1. The store is the truth: what is registered here is there before it is acted on, and what others registered is read
 *    with every round of the sweep.
 * 2. Nothing is sent to an instance that was not renewed in time. By this process's own monotonic time: a clock that
 *    jumps keeps nobody alive and takes nobody away.
 * 3. An instance that is gone stays known until another has all of its handlers, so that plans are still taken.
 */
import type { Target } from '../../sdk/protocol/commands.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Kind } from '../../sdk/protocol/kinds.js';
import type { Clock } from '../clock.js';
import type { Log } from '../observe/log.js';
import type { Instance, Registration, Store } from '../store/store.js';
import type { Presence } from './absence.js';
import { KnownInstance } from './known-instance.js';
import { KnownParticipant } from './known-participant.js';

export interface RegistryParts {
  readonly store: Pick<Store, 'saveInstance' | 'endInstance' | 'forgetInstance' | 'instances'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a row stays that nobody needs any more. */
const keepGoneMs = 24 * 3600 * 1000;

export class Registry implements Presence {
  readonly #parts: RegistryParts;
  readonly #participants = new Map<string, KnownParticipant>();
  readonly #listeners: ((participant: string) => void)[] = [];
  /** Changes that were made here, counted: what was read before one of them does not undo it. */
  #changes = 0;
  #reading: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
  }

  /** Puts an instance into traffic, or keeps it there. Rejects with `kind_conflict`, or with what the store says. */
  async register(registration: Registration): Promise<Instance> {
    const instance = await this.#parts.store.saveInstance(registration);
    if (!instance) throw await this.#conflict(registration);
    this.#see(instance, ++this.#changes);
    return instance;
  }

  /** Takes an instance out of traffic. One that nobody knows is fine. */
  async end(participant: string, id: string): Promise<void> {
    await this.#parts.store.endInstance(participant, id);
    const known = this.#participants.get(participant)?.find(id);
    if (known) this.#see({ ...known.row, ttlMs: 0 }, ++this.#changes);
  }

  /**
   * Reads what others registered, and removes what nobody needs any more. Rejects with what the store says. One read is under
   * way at a time, so that none undoes what a newer one saw; who asks meanwhile shares the next.
   */
  refresh(): Promise<void> {
    this.#next ??= this.#reading.then(() => {
      this.#next = undefined;
      const reading = this.#read();
      this.#reading = reading.catch(() => undefined);
      return reading;
    });
    return this.#next;
  }

  async #read(): Promise<void> {
    const before = this.#changes;
    const rows = await this.#parts.store.instances();
    for (const row of rows) {
      const known = this.#participants.get(row.participant)?.find(row.id);
      if (!known || known.changed <= before) this.#see(row, before);
    }
    this.#forgetAllBut(new Set(rows.map(keyOf)), before);
    await this.#tidy();
  }

  participants(): readonly KnownParticipant[] {
    return [...this.#participants.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The kind of a handler; undefined when nobody ever registered it. */
  kindOf(participant: string, handler: string): Kind | undefined {
    return this.#participants.get(participant)?.handlers.get(handler)?.kind;
  }

  /** Whether a participant may be asked a check of that name. */
  answersCheck(participant: string, name: string): boolean {
    return this.#participants.get(participant)?.instances.some((instance) => instance.answersCheck(name)) ?? false;
  }

  reaches(target: Target): boolean {
    return 'url' in target || this.pick(target.participant, target.handler, 'look') !== undefined;
  }

  /** A living instance for a command; undefined when there is none. */
  pick(participant: string, handler: string, why: 'look' | 'send' = 'send'): KnownInstance | undefined {
    return this.#participants.get(participant)?.pick(handler, why);
  }

  watch(onCame: (participant: string) => void): void {
    this.#listeners.push(onCame);
  }

  #see(row: Instance, changed: number): void {
    const { clock } = this.#parts;
    const participant = this.#participants.get(row.participant) ?? new KnownParticipant(row.participant);
    this.#participants.set(row.participant, participant);
    const known = participant.find(row.id);
    const before = known?.isAlive && known.row;
    if (known) known.renew(row, changed);
    const instance = known ?? new KnownInstance(row, clock, changed);
    participant.keep(instance, before);
    const isNews = !before || !takesTheSame(before, row);
    if (isNews && instance.isAlive) for (const tell of this.#listeners) tell(row.participant);
  }

  /** Another coordinator removed the others. */
  #forgetAllBut(keys: ReadonlySet<string>, before: number): void {
    for (const participant of this.#participants.values()) {
      for (const { row, changed } of participant.instances)
        if (changed <= before && !keys.has(keyOf(row))) participant.drop(row.id);
      if (participant.instances.length === 0) this.#participants.delete(participant.name);
    }
  }

  async #tidy(): Promise<void> {
    const { store, clock } = this.#parts;
    for (const participant of this.#participants.values()) {
      for (const row of participant.superseded(clock.now() - keepGoneMs)) await store.forgetInstance(row);
    }
  }

  async #conflict({ participant, id, handlers }: Registration): Promise<ConcordatError> {
    await this.refresh();
    const others = this.#participants
      .get(participant)
      ?.instances.filter(({ row, isAlive }) => isAlive && row.id !== id);
    for (const { name, kind } of handlers) {
      for (const { row } of others ?? []) {
        const theirs = row.handlers.find((handler) => handler.name === name);
        if (!theirs || theirs.kind === kind) continue;
        return new ConcordatError(
          'kind_conflict',
          `expected ${name} of ${participant} to be ${theirs.kind}, as the living instance ${row.id} registered it, ` +
            `got ${kind}; give the handler another name, or stop that instance: it holds the kind until ` +
            `${new Date(row.renewedAt + row.ttlMs).toISOString()}, or until ` +
            `DELETE /v1/participants/${participant}/instances/${row.id} if it is gone already`,
        );
      }
    }
    return new ConcordatError(
      'kind_conflict',
      `expected the handlers of ${participant} in the kinds that its living instances registered; try again`,
    );
  }
}

const keyOf = ({ participant, id }: Pick<Instance, 'participant' | 'id'>): string => `${participant}/${id}`;

/** Whether it takes the same commands as before. */
const takesTheSame = (a: Instance, b: Instance): boolean =>
  JSON.stringify([a.handlers, a.checks]) === JSON.stringify([b.handlers, b.checks]);
