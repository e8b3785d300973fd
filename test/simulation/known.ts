/** Whom one coordinator knows: the product's registry and transport, and what it may know by when it heard of whom. */

import type { Presence } from '../../coordinator/dispatch/absence.js';
import { allowList } from '../../coordinator/dispatch/allow.js';
import { httpTransport } from '../../coordinator/dispatch/http.js';
import { Registry, type RegistryParts } from '../../coordinator/dispatch/registry.js';
import type { Transport } from '../../coordinator/dispatch/transport.js';
import { remembering } from '../../coordinator/http/targets.js';
import { silentLog } from '../../coordinator/observe/log.js';
import type { Instance, Registration, Store } from '../../coordinator/store/store.js';
import type { Target } from '../../sdk/protocol/commands.js';
import type { ProcessClock } from '../engine/clock.js';
import type { Surroundings } from '../engine/line.js';
import type { Around } from './around.js';
import { streets } from './streets.js';
import type { Fault } from './weather.js';

export const loopbackOnly = remembering(allowList([]));

/** What commands are signed with, where they are. */
export const signingSecret = `whsec_${Buffer.from('a secret that all of these share').toString('base64')}`;

const pauses: readonly Fault[] = [
  'coordinator paused shortly',
  'coordinator paused beyond its lease',
  'coordinator paused before it sends',
];

type Network = Surroundings['network'];

export class Known implements Network, Presence {
  readonly violations: string[];
  readonly #around: Around;
  readonly #storeOf: () => Store;
  #clock: ProcessClock | undefined;
  readonly #absent = new Set<string>();
  #registry: Registry | undefined;
  /** When a renewal was first heard of, by who was renewed. */
  readonly #heard = new Map<string, { readonly url: string; readonly renewedAt: number; readonly until: number }>();

  constructor(around: Around, storeOf: () => Store) {
    this.#around = around;
    this.#storeOf = storeOf;
    this.violations = around.wire.violations;
  }

  door(from: string, clock: ProcessClock, onSend: () => void): Transport {
    const { wire, weather, settings, world, disk, instanceAt } = this.#around;
    this.#clock = clock;
    const mayBeSentTo = (origin: string): boolean => this.#mayBeSentTo(origin, clock);
    const now = () => clock.now();
    const pools = streets({ wire, weather, clock: world.clock(), from, instanceAt, mayBeSentTo, now, onSend });
    const transport = httpTransport({
      ...disk.identity,
      signingSecrets: settings.isSigned ? [signingSecret] : [],
      allow: loopbackOnly,
      clock,
      connectionsPerOrigin: 1,
      pools,
      registry: { pick: (participant, handler, why) => this.registry.pick(participant, handler, why) },
    });
    return wire.watch(from, transport);
  }

  get registry(): Registry {
    if (!this.#clock) throw new Error('expected a line to the store by now');
    this.#registry ??= new Registry({ store: this.#overheard(this.#storeOf()), clock: this.#clock, log: silentLog });
    return this.#registry;
  }

  reaches(target: Target): boolean {
    const isThere = this.registry.reaches(target);
    const participant = 'participant' in target ? target.participant : '';
    if (isThere) this.#absent.delete(participant);
    else if (!this.#absent.has(participant)) {
      this.#absent.add(participant);
      this.#around.weather.took('nobody there for a command');
    }
    return isThere;
  }

  watch(onCame: (participant: string) => void): void {
    this.registry.watch(onCame);
  }

  refresh(): Promise<void> {
    return this.registry.refresh();
  }

  register(registration: Registration): Promise<Instance> {
    return this.registry.register(registration);
  }

  end(participant: string, id: string): Promise<void> {
    return this.registry.end(participant, id);
  }

  participants() {
    return this.registry.participants();
  }

  /** The store; what it says of instances is noted before the registry acts on it. */
  #overheard(store: Store): RegistryParts['store'] {
    const { saveInstance, endInstance, forgetInstance, instances } = store;
    return {
      forgetInstance,
      saveInstance: (registration) => saveInstance(registration).then((row) => row && this.#hear(row)),
      endInstance: (participant, id) => endInstance(participant, id).then(() => this.#ended({ participant, id })),
      instances: () => instances().then((rows) => rows.map((row) => this.#hear(row))),
    };
  }

  #hear(row: Instance): Instance {
    const { url, renewedAt, ttlMs } = row;
    const key = keyOf(row);
    if (this.#heard.get(key)?.renewedAt !== renewedAt || ttlMs === 0)
      this.#heard.set(key, { url, renewedAt, until: (this.#clock?.monotonic() ?? 0) + ttlMs });
    return row;
  }

  /** What was read of it before, and comes after, does not bring it back. */
  #ended(gone: Pick<Instance, 'participant' | 'id'>): void {
    const heard = this.#heard.get(keyOf(gone));
    if (heard) this.#heard.set(keyOf(gone), { ...heard, until: this.#clock?.monotonic() ?? 0 });
  }

  /** A process that was paused in the middle of its sending sends on when it is woken. */
  #mayBeSentTo(origin: string, clock: ProcessClock): boolean {
    const { counts } = this.#around.weather;
    if (pauses.some((fault) => counts.has(fault))) return true;
    const now = clock.monotonic();
    return [...this.#heard.values()].some(({ url, until }) => url === origin && now <= until);
  }
}

const keyOf = ({ participant, id }: Pick<Instance, 'participant' | 'id'>): string => `${participant}/${id}`;
