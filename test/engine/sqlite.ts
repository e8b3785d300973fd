import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import type { Store } from '../../coordinator/store/store.js';
import { seededChance } from './chance.js';
import { Cluster } from './cluster.js';

/** A cluster on one SQLite file; each process opens it for itself. */
export async function sqliteCluster(t: ExecutionContext, seed: number): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'concordat-engine-'));
  const stores: Store[] = [];
  const open = async ({ world }: Cluster): Promise<Store> => {
    const path = join(directory, 'concordat.db');
    const store = await openSqliteStore({ path, chance: seededChance(seed), host: 'test', time: world.database });
    stores.push(store);
    return store;
  };
  const cluster = new Cluster(seed, open);
  cluster.store = await open(cluster);
  t.teardown(async () => {
    for (const process of cluster.processes) process.kill();
    await cluster.world.settle();
    for (const store of stores) await store.close();
    rmSync(directory, { recursive: true });
  });
  return cluster;
}
