import type { Chance } from '../../clock.js';
import { counters } from '../gate.js';
import { storeClock, systemTime } from '../time.js';
import { fileSystemType, refuseSharedFileSystem } from './filesystem.js';
import { loadDriver, openConnections } from './open.js';
import { type OnStep, prepareSchema } from './schema.js';

export type { OnStep, StepName } from './schema.js';

/**
 * Brings a store to the current schema, or makes it, in one transaction: killed half-way, it is as it was. A store that is
 * up to date is left alone.
 */
export async function upgradeSqliteStore(path: string, chance: Chance, onStep: OnStep): Promise<void> {
  await refuseSharedFileSystem(path, fileSystemType);
  const driver = await loadDriver();
  const options = { path, busyTimeoutMs: 5000, driver, around: undefined, counters: counters() };
  const connections = await openConnections(options);
  try {
    await prepareSchema(connections.db, path, chance, storeClock(systemTime)(), onStep);
  } finally {
    await connections.close();
  }
}
