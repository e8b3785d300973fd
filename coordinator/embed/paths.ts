import { resolve } from 'node:path';
import type { StoreAddress } from '../config.js';
import { storeName } from '../store/name.js';
import { StoreError } from '../store/store.js';

/** Stores that this process has embedded. Two coordinators on one would each wait for the other's participants. */
const taken = new Set<string>();

/** Takes a store for one embedded coordinator; returns what lets go of it. Throws StoreError when another one has it. */
export function takeStore(address: StoreAddress): () => void {
  const name = storeName(address);
  if (name === ':memory:') return () => undefined;
  const full = address.kind === 'sqlite' ? resolve(name) : name;
  if (taken.has(full)) {
    const why = 'is embedded in this process already: close that one first, or name another';
    throw new StoreError('outage', `${name} ${why}`);
  }
  taken.add(full);
  return () => void taken.delete(full);
}
