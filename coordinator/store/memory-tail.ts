import { planted } from '#faults';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { TransactionStatus } from '../../sdk/protocol/views.js';
import { fromPosition, toPosition } from './position.js';
import type { Change, LogRow, SummaryRow, Tail } from './store.js';

/** What these need of a disk in memory. */
interface Disk {
  readonly logs: ReadonlyMap<Xid, readonly LogRow[]>;
  readonly summaries: ReadonlyMap<Xid, SummaryRow>;
  readonly arrivals: readonly LogRow[];
}

export function tailOf(disk: Disk, after: string | null, limit: number): Tail | null {
  if (after === null) return { changes: [], position: lastPosition(disk), more: false };
  const from = fromPosition(after);
  if (!from) return null;
  const isThere = from.place === 0 || rowAt(disk, from.place)?.append.slice(0, 8) === from.mark;
  if (!isThere && !planted('stream-trusts-any-position')) return null;
  const places: number[] = [];
  for (let place = from.place + 1; place <= disk.arrivals.length && places.length < limit; place++)
    if (rowAt(disk, place)) places.push(place);
  const newest = new Map(places.map((place) => [rowAt(disk, place)?.xid as Xid, place]));
  const changes = [...newest].sort(([, a], [, b]) => a - b).flatMap(([xid, place]) => changeOf(disk, xid, place));
  const last = places.at(-1);
  return { changes, position: last ? positionAt(disk, last) : after, more: places.length === limit };
}

/** What is in the log now at the place of a row: the row, the tombstone of its transaction, or nothing. */
function rowAt({ logs, arrivals }: Disk, place: number): LogRow | undefined {
  const row = arrivals[place - 1];
  return row && logs.get(row.xid)?.[row.seq - 1];
}

const positionAt = (disk: Disk, place: number): string => toPosition(place, rowAt(disk, place)?.append ?? '');

function lastPosition(disk: Disk): string {
  let place = disk.arrivals.length;
  while (place > 0 && !rowAt(disk, place)) place--;
  return positionAt(disk, place);
}

function changeOf(disk: Disk, xid: Xid, place: number): readonly Change[] {
  const row = disk.summaries.get(xid);
  const { seq, at } = rowAt(disk, place) as LogRow;
  return row ? [{ position: positionAt(disk, place), seq, at, row }] : [];
}

export function countByStatus(
  { summaries }: Disk,
  statuses: readonly TransactionStatus[],
): ReadonlyMap<TransactionStatus, number> {
  const counts = new Map<TransactionStatus, number>();
  for (const { status } of summaries.values())
    if (statuses.includes(status)) counts.set(status, (counts.get(status) ?? 0) + 1);
  return counts;
}
