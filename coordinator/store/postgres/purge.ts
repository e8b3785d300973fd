import { planted } from '#faults';
import type { Run } from './connection.js';

/** One statement, so one commit: what is finished is judged, deleted and remembered at one moment. */
export async function purge(run: Run, before: number, limit: number, now: number | null): Promise<number> {
  const statement = planted('purge-unfinished') ? 'purgeUnchecked' : 'purge';
  const gone = await run(statement, before, planted('purge-in-one-go') ? null : limit, now);
  if (planted('purge-without-tombstones')) await dropTombstones(run, Number.MAX_SAFE_INTEGER, null);
  return gone.length;
}

export async function purgeable(run: Run, before: number): Promise<number> {
  const [row] = await run('purgeable', before);
  return Number(row?.count);
}

/** Without a limit all of them. */
export const dropTombstones = async (run: Run, before: number, limit: number | null): Promise<number> =>
  (await run('dropTombstones', before, limit)).length;
