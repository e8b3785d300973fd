import type { Instance, RegisteredHandler } from '../store/store.js';
import type { KnownInstance } from './known-instance.js';

/** A participant as this process knows it: its instances, and what they take together. */
export class KnownParticipant {
  readonly name: string;
  #instances: readonly KnownInstance[] = [];
  #handlers: ReadonlyMap<string, RegisteredHandler> = new Map();
  /** Where the next look at the instances begins. */
  #next = 0;

  constructor(name: string) {
    this.name = name;
  }

  get instances(): readonly KnownInstance[] {
    return this.#instances;
  }

  /** As those registered them who were heard of last. */
  get handlers(): ReadonlyMap<string, RegisteredHandler> {
    return this.#handlers;
  }

  get resourceGroup(): string | null {
    return this.#newestLast().at(-1)?.row.resourceGroup ?? null;
  }

  find(id: string): KnownInstance | undefined {
    return this.#instances.find(({ row }) => row.id === id);
  }

  /** Keeps an instance that came or was renewed; `before` is what it was, where it was alive. */
  keep(instance: KnownInstance, before: Instance | undefined | false): void {
    if (!this.#instances.includes(instance)) {
      this.#instances = [...this.#instances, instance].sort((a, b) => (a.row.id < b.row.id ? -1 : 1));
    }
    // A heartbeat that brings nothing new is no reason to look through everything.
    if (!before || before.handlers !== instance.row.handlers) this.#collect();
  }

  drop(id: string): void {
    this.#instances = this.#instances.filter(({ row }) => row.id !== id);
    this.#collect();
  }

  /**
   * The instance for a command: living, not one that gave no answer a moment ago if there is another, with the fewest
   * commands under way; of equals, in turn.
   */
  pick(handler: string, why: 'look' | 'send'): KnownInstance | undefined {
    const all = this.#instances;
    const isKnown = this.#handlers.has(handler);
    let best: KnownInstance | undefined;
    for (let i = 0; i < all.length; i++) {
      const one = all[(this.#next + i) % all.length];
      // A check has no kind, so its name may be no handler's.
      if (!one?.isAlive || !(isKnown ? one.has(handler) : one.answersCheck(handler))) continue;
      if (why === 'look') return one;
      if (!best || isBetter(one, best)) best = one;
    }
    if (why === 'send') this.#next = (this.#next + 1) % Math.max(all.length, 1);
    return best;
  }

  /** Rows of instances that are gone since before `since` (UTC ms), and whose handlers others registered later. */
  superseded(since: number): readonly Instance[] {
    return this.#instances
      .filter((one) => !one.isAlive && one.row.renewedAt + one.row.ttlMs < since && this.#isSuperseded(one.row))
      .map(({ row }) => row);
  }

  #isSuperseded(row: Instance): boolean {
    const later = this.#instances.filter((other) => other.row.renewedAt > row.renewedAt);
    return later.length > 0 && row.handlers.every(({ name }) => later.some((other) => other.has(name)));
  }

  #collect(): void {
    this.#handlers = new Map(this.#newestLast().flatMap(({ row }) => row.handlers.map((each) => [each.name, each])));
  }

  #newestLast(): readonly KnownInstance[] {
    return this.#instances.toSorted((a, b) => a.row.renewedAt - b.row.renewedAt);
  }
}

const isBetter = (one: KnownInstance, best: KnownInstance): boolean =>
  one.isAvoided === best.isAvoided ? one.outstanding < best.outstanding : best.isAvoided;
