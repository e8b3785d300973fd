import { resolve } from 'node:path';
import { StoreError } from '../store/store.js';

/** Files that this process has embedded. Two coordinators on one would each wait for the other's participants. */
const taken = new Set<string>();

/** Takes a file for one embedded coordinator; returns what lets go of it. Throws StoreError when another one has it. */
export function takePath(path: string): () => void {
  if (path === ':memory:') return () => undefined;
  const full = resolve(path);
  if (taken.has(full)) {
    const why = 'is embedded in this process already: close that one first, or name another file';
    throw new StoreError('outage', `${path} ${why}`);
  }
  taken.add(full);
  return () => void taken.delete(full);
}
