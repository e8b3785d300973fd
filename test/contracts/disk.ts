import type { ExecutionContext } from 'ava';
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import type { Store } from '../../coordinator/store/store.js';
import type { TimeSource } from '../../coordinator/store/time.js';

/** Something that outlives a store: a file, or a disk in memory. */
export interface Disk {
  open(time?: TimeSource): Promise<Store>;
}

export type MakeDisk = (t: ExecutionContext) => Promise<Disk>;

export async function openFrom(t: ExecutionContext, makeDisk: MakeDisk, time?: TimeSource): Promise<Store> {
  const store = await (await makeDisk(t)).open(time);
  t.teardown(() => store.close());
  return store;
}

/** Takes a protection out until the test ends. Only in serial tests. */
export function plant(t: ExecutionContext, bug: PlantedBug): void {
  armed.planted.add(bug);
  t.teardown(() => void armed.planted.delete(bug));
}
