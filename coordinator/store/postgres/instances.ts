import { planted } from '#faults';
import { toInstance } from '../instances.js';
import type { Row } from '../rows.js';
import { type Instance, type Registration, StoreError } from '../store.js';
import type { Connection, Run } from './connection.js';
import { fromText, toText } from './text.js';

/** Those of one participant one after another: what the earlier wrote decides over the later. */
export async function saveInstance(
  connection: Connection,
  registration: Registration,
  now: number | null,
): Promise<Instance | null> {
  const { participant, id, url, handlers, checks, resourceGroup, batch, sdk, ttlMs } = registration;
  const [row] = await connection.inTurn(
    `instances ${participant}`,
    planted('kinds-may-differ') ? 'saveInstanceUnchecked' : 'saveInstance',
    participant,
    id,
    toText(url),
    JSON.stringify(handlers),
    checks && JSON.stringify(checks),
    resourceGroup === null ? null : toText(resourceGroup),
    batch ? 1 : 0,
    toText(sdk),
    now,
    ttlMs,
  );
  return row ? toInstance(readable(row)) : null;
}

export async function endInstance(run: Run, participant: string, id: string): Promise<void> {
  await run('endInstance', participant, id);
}

export async function forgetInstance(run: Run, instance: Instance): Promise<void> {
  await run('forgetInstance', instance.participant, instance.id, instance.renewedAt);
}

export const readInstances = async (run: Run): Promise<readonly Instance[]> =>
  (await run('instances')).map(readable).map(toInstance);

export async function readOldestUnfinished(run: Run): Promise<number | null> {
  const [row] = await run('oldestUnfinished');
  const oldest = row?.oldest ?? null;
  if (oldest === null || typeof oldest === 'number') return oldest;
  throw new StoreError('corrupt', `expected the oldest time of opening to be a number, got ${typeof oldest}`);
}

/** An instance's row with its texts as they were given. */
const readable = (row: Row): Row => ({
  ...row,
  url: fromText(row.url),
  resource_group: fromText(row.resource_group),
  sdk: fromText(row.sdk),
});
