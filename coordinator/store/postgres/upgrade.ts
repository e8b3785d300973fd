import type { Chance } from '../../clock.js';
import type { Identity } from '../store.js';
import { systemTime } from '../time.js';
import { loadDriver } from './driver.js';
import { nameOf } from './name.js';
import { knexOn } from './open.js';
import { type OnStep, prepareSchema } from './schema.js';

export type { OnStep } from './schema.js';

/** On a connection of its own: building an index of a large table takes its time, and so does waiting for who does it. */
const unhurried = { lockTimeoutMs: 0, statementTimeoutMs: 0 };

/**
 * Brings a store to the current schema, or makes it, in one transaction: killed half-way, it is as it was. A store that is
 * up to date is left alone. Resolves with who it is.
 */
export async function upgradePostgresStore(
  url: string,
  chance: Pick<Chance, 'id' | 'draw'>,
  onStep?: OnStep,
  load?: Parameters<typeof loadDriver>[0],
): Promise<Identity> {
  const driver = await loadDriver(load);
  const db = knexOn({ url, driver, chance, time: systemTime, ...unhurried }, { min: 0, max: 1 });
  try {
    return await prepareSchema(db, nameOf(url), chance, onStep);
  } finally {
    await db.destroy();
  }
}
