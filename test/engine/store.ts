import type { Append, Store } from '../../coordinator/store/store.js';
import { StoreError } from '../../coordinator/store/store.js';
import { never } from '../helpers/never.js';

/** What becomes of one call: it goes through, fails before or after it was done, or never comes back. */
export type Fate = 'through' | 'fails' | 'answer lost' | 'hangs' | 'done, then hangs' | 'unstorable';

export interface StoreFaults {
  append: (append: Append) => Fate;
  read: () => Fate;
  renew: () => Fate;
}

export const noFaults = (): StoreFaults => ({ append: () => 'through', read: () => 'through', renew: () => 'through' });

/** A store as one coordinator sees it over a line that a test cuts as it likes. */
export function storeBehind(store: Store, faults: StoreFaults, onWon: (append: Append) => void): Store {
  const astray = async <T>(fate: Fate, work: () => Promise<T>): Promise<T> => {
    if (fate === 'hangs') return never();
    if (fate === 'fails') throw new StoreError('outage', 'the line to the store is cut');
    if (fate === 'unstorable') throw new StoreError('unstorable', 'the store refuses it');
    await work();
    if (fate === 'done, then hangs') return never();
    throw new StoreError('outage', 'the answer of the store was lost');
  };
  const over = <T>(fate: Fate, work: () => Promise<T>): Promise<T> =>
    fate === 'through' ? work() : astray(fate, work);
  return {
    identity: store.identity,
    append: (append) =>
      over(faults.append(append), async () => {
        const answer = await store.append(append);
        if (answer === 'won') onWon(append);
        return answer;
      }),
    load: (xid) => over(faults.read(), () => store.load(xid)),
    record: (entry) => over(faults.renew(), () => store.record(entry)),
    audit: (filter) => over(faults.read(), () => store.audit(filter)),
    list: (filter) => over(faults.read(), () => store.list(filter)),
    tail: (after, limit) => over(faults.read(), () => store.tail(after, limit)),
    counts: (statuses) => over(faults.read(), () => store.counts(statuses)),
    due: (owner, now, limit, since) => over(faults.read(), () => store.due(owner, now, limit, since)),
    owned: (owner, after, limit) => over(faults.read(), () => store.owned(owner, after, limit)),
    owners: () => over(faults.read(), () => store.owners()),
    renewLease: (lease) => over(faults.renew(), () => store.renewLease(lease)),
    dropLease: (id) => over(faults.renew(), () => store.dropLease(id)),
    leases: () => over(faults.read(), () => store.leases()),
    saveInstance: (registration) => over(faults.renew(), () => store.saveInstance(registration)),
    endInstance: (participant, id) => over(faults.renew(), () => store.endInstance(participant, id)),
    forgetInstance: (instance) => over(faults.renew(), () => store.forgetInstance(instance)),
    instances: () => over(faults.read(), () => store.instances()),
    changeParticipant: (change) => over(faults.renew(), () => store.changeParticipant(change)),
    participants: () => over(faults.read(), () => store.participants()),
    oldestUnfinished: () => over(faults.read(), () => store.oldestUnfinished()),
    purge: (before, limit) => store.purge(before, limit),
    purgeable: (before) => store.purgeable(before),
    dropTombstones: (before, limit) => store.dropTombstones(before, limit),
    now: () => over(faults.read(), () => store.now()),
    stats: () => store.stats(),
    close: () => store.close(),
  };
}
