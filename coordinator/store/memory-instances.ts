import { planted } from '#faults';
import type { Instance, Registration } from './store.js';

/** What a store in memory keeps its instances in. */
type Instances = Map<string, Instance>;

const keyOf = ({ participant, id }: Pick<Instance, 'participant' | 'id'>): string => `${participant}/${id}`;

export const instancesIn = (instances: Instances): readonly Instance[] =>
  [...instances.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));

/** The part of a store in memory that is the registry; each method runs at once. */
export const memoryInstances = (instances: Instances, now: () => number) => ({
  save(registration: Registration): Instance | null {
    const renewedAt = now();
    const isAlive = (instance: Instance): boolean => instance.renewedAt + instance.ttlMs > renewedAt;
    const others = [...instances.values()].filter(
      (other) => other.participant === registration.participant && other.id !== registration.id && isAlive(other),
    );
    if (others.some((other) => differs(other, registration)) && !planted('kinds-may-differ')) return null;
    const before = instances.get(keyOf(registration));
    const registeredAt = before && isAlive(before) ? before.registeredAt : renewedAt;
    const saved = { ...registration, registeredAt, renewedAt };
    instances.set(keyOf(saved), saved);
    return saved;
  },
  end(participant: string, id: string): void {
    const known = instances.get(keyOf({ participant, id }));
    if (known) instances.set(keyOf(known), { ...known, ttlMs: 0 });
  },
  forget(instance: Instance): void {
    const known = instances.get(keyOf(instance));
    if (known?.renewedAt === instance.renewedAt) instances.delete(keyOf(instance));
  },
});

function differs(other: Registration, { handlers }: Registration): boolean {
  const kinds = new Map(other.handlers.map(({ name, kind }) => [name, kind]));
  return handlers.some(({ name, kind }) => (kinds.get(name) ?? kind) !== kind);
}
