import { planted } from '#faults';
import { toInstance } from '../instances.js';
import { type Instance, type Registration, StoreError } from '../store.js';
import type { Connection } from './connection.js';

export async function saveInstance(
  writer: Connection,
  registration: Registration,
  now: number,
): Promise<Instance | null> {
  const { participant, id, url, handlers, checks, resourceGroup, batch, sdk, ttlMs } = registration;
  const [row] = await writer.run(
    planted('kinds-may-differ') ? 'saveInstanceUnchecked' : 'saveInstance',
    participant,
    id,
    url,
    JSON.stringify(handlers),
    checks && JSON.stringify(checks),
    resourceGroup,
    batch ? 1 : 0,
    sdk,
    now,
    ttlMs,
  );
  return row ? toInstance(row) : null;
}

export async function endInstance(writer: Connection, participant: string, id: string): Promise<void> {
  await writer.run('endInstance', participant, id);
}

export async function forgetInstance(writer: Connection, instance: Instance): Promise<void> {
  await writer.run('forgetInstance', instance.participant, instance.id, instance.renewedAt);
}

export const readInstances = async (reader: Connection): Promise<readonly Instance[]> =>
  (await reader.run('instances')).map(toInstance);

export async function readOldestUnfinished(reader: Connection): Promise<number | null> {
  const [row] = await reader.run('oldestUnfinished');
  const oldest = row?.oldest ?? null;
  if (oldest === null || typeof oldest === 'number') return oldest;
  throw new StoreError('corrupt', `expected the oldest time of opening to be a number, got ${typeof oldest}`);
}
