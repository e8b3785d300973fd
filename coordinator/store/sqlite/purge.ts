import { planted } from '#faults';
import type { Connection } from './connection.js';

/** One statement, so one commit: what is finished is judged, deleted and remembered at one moment. */
export async function purge(writer: Connection, before: number, limit: number, now: number): Promise<number> {
  const statement = planted('purge-unfinished') ? 'purgeUnchecked' : 'purge';
  const many = planted('purge-in-one-go') ? -1 : limit;
  const gone = await writer.run(statement, now, before, many);
  if (planted('purge-without-tombstones')) await dropTombstones(writer, now + 1, -1);
  return gone.length;
}

export async function purgeable(reader: Connection, before: number): Promise<number> {
  const [row] = await reader.run('purgeable', before);
  return Number(row?.count);
}

export const dropTombstones = async (writer: Connection, before: number, limit: number): Promise<number> =>
  (await writer.run('dropTombstones', before, limit)).length;
