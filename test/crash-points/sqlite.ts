/** The real SQLite store as what outlives the coordinators of many cases: each process opens the file for itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import type { Store } from '../../coordinator/store/store.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { seededChance } from '../engine/chance.js';
import { World } from '../engine/clock.js';
import { outside } from '../engine/line.js';
import type { Circumstances } from './case.js';

export interface SqliteVaults {
  /** For the next case: a transaction of its own, on the one file. */
  next(): Circumstances;
  /** Closes what the last case opened. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

export async function sqliteVaults(): Promise<SqliteVaults> {
  const directory = mkdtempSync(join(tmpdir(), 'concordat-crash-points-'));
  const path = join(directory, 'concordat.db');
  const openOne = (world: World): Promise<Store> =>
    openSqliteStore({ path, chance: seededChance(1), host: 'test', time: world.database });
  const reader = await openOne(new World());
  let opened: Store[] = [];
  let count = 0;
  const rest = async (): Promise<void> => {
    const stores = opened;
    opened = [];
    for (const store of stores) await store.close();
    for (const { id } of await reader.leases()) await reader.dropLease(id);
  };
  return {
    next: () => ({
      xid: `x${++count}` as Xid,
      vault: {
        identity: reader.identity,
        hasWriter: false,
        isRepeatable: false,
        rows: (xid) => reader.load(xid),
        audit: async (xid) => (await reader.audit({ xid, limit: 500 })).items,
        open: async (world) => {
          const store = await world.whileOutside(openOne(world));
          opened.push(store);
          return outside(world, store);
        },
      },
    }),
    rest,
    close: async () => {
      await rest();
      await reader.close();
      rmSync(directory, { recursive: true });
    },
  };
}
