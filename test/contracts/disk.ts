import type { ExecutionContext } from 'ava';
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
