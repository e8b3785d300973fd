import { planted } from '#faults';
import type { AppendId, CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import { isFinal } from '../../sdk/protocol/views.js';
import type { LogRow, SummaryRow } from './store.js';
import { purged, tombstoneVersion } from './tombstone.js';

/** What a purge needs of a disk in memory. */
interface Disk {
  readonly logs: Map<Xid, LogRow[]>;
  readonly summaries: Map<Xid, SummaryRow>;
}

/** A transaction's log; throws `purged` where only a tombstone is left. */
export function logIn(disk: Disk, xid: Xid): readonly LogRow[] {
  const rows = (disk.logs.get(xid) ?? []).filter((row) => row !== undefined);
  if (rows[0]?.version === tombstoneVersion) throw purged(xid, rows[0].at);
  return rows;
}

/** Finished transactions that ended before that time, those opened first before others. */
export const finishedIn = ({ summaries }: Disk, before: number): readonly SummaryRow[] =>
  [...summaries.values()]
    .filter(({ status, finishedAt, openedAt }) =>
      planted('purge-unfinished') ? openedAt < before : isFinal(status) && finishedAt !== null && finishedAt < before,
    )
    .sort((a, b) => a.openedAt - b.openedAt || (a.xid < b.xid ? -1 : 1));

export function purge(disk: Disk, before: number, limit: number, now: number): number {
  const found = finishedIn(disk, before);
  const gone = planted('purge-in-one-go') ? found : found.slice(0, limit);
  for (const { xid } of gone) {
    if (planted('purge-without-tombstones')) disk.logs.delete(xid);
    else disk.logs.set(xid, [tombstone(xid, now)]);
    disk.summaries.delete(xid);
  }
  return gone.length;
}

const tombstone = (xid: Xid, at: number): LogRow => ({
  xid,
  seq: 1,
  append: '' as AppendId,
  appender: '' as CoordinatorId,
  version: tombstoneVersion,
  at,
  events: '[]',
});

export function dropTombstones({ logs }: Disk, before: number, limit: number): number {
  const old = [...logs]
    .filter(([, [first]]) => first?.version === tombstoneVersion && first.at < before)
    .sort(([, [a]], [, [b]]) => Number(a?.at) - Number(b?.at))
    .slice(0, limit);
  for (const [xid] of old) logs.delete(xid);
  return old.length;
}
