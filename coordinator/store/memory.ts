import { planted, reach } from '#faults';
import type { AppendId, CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import { isFinal } from '../../sdk/protocol/views.js';
import type { Chance } from '../clock.js';
import { fromCursor, toCursor } from './cursor.js';
import { counters, Gate } from './gate.js';
import { AppendGroups, type GroupWriter, groupLimits } from './group.js';
import { auditPage, recordIn } from './memory-audit.js';
import { instancesIn, memoryInstances } from './memory-instances.js';
import { dropTombstones, finishedIn, logIn, purge } from './memory-purge.js';
import { countByStatus, tailOf } from './memory-tail.js';
import { changed, isAnother } from './participants.js';
import type {
  Append,
  AuditRow,
  Identity,
  Instance,
  Lease,
  ListFilter,
  LogRow,
  Page,
  ParticipantRow,
  Store,
  SummaryRow,
} from './store.js';
import { storeClock, systemTime, type TimeSource } from './time.js';

/** What outlives a store in memory: open two stores over one disk, and two coordinators race. */
export interface MemoryDisk {
  readonly identity: Identity;
  readonly logs: Map<Xid, LogRow[]>;
  /** Rows of the logs in the order they came. */
  readonly arrivals: LogRow[];
  readonly summaries: Map<Xid, SummaryRow>;
  readonly leases: Map<CoordinatorId, Lease>;
  /** By participant and id, with a slash between them. */
  readonly instances: Map<string, Instance>;
  readonly participants: Map<string, ParticipantRow>;
  /** In the order of their positions, from 1. */
  readonly audit: AuditRow[];
}

export const memoryDisk = (chance: Chance): MemoryDisk => ({
  identity: { origin: chance.id() as Identity['origin'], tokenKey: chance.id() + chance.id() },
  logs: new Map(),
  arrivals: [],
  summaries: new Map(),
  leases: new Map(),
  instances: new Map(),
  participants: new Map(),
  audit: [],
});

export interface MemoryStoreOptions {
  readonly disk: MemoryDisk;
  readonly time?: TimeSource;
  /** Stands before what writes to the disk: a simulator lets it fail there. */
  readonly before?: (writer: GroupWriter) => GroupWriter;
}

/** The twin of the SQL stores for tests and the simulator: same promises, no file. */
export function memoryStore({ disk, time = systemTime, before = (writer) => writer }: MemoryStoreOptions): Store {
  const gate = new Gate();
  const now = storeClock(time);
  const count = counters();
  const groups = new AppendGroups(before(memoryWriter(disk, count)), gate, count, groupLimits);
  const call = async <T>(work: () => T): Promise<T> => {
    gate.check();
    await null;
    return work();
  };
  const instances = memoryInstances(disk.instances, now);
  const underWay = (): SummaryRow[] =>
    [...disk.summaries.values()].filter(({ status }) => !isFinal(status) && status !== 'parked');

  return {
    identity: disk.identity,
    append: (append) => groups.append(append),
    load: (xid, after = 0) => call(() => logIn(disk, xid).filter(({ seq }) => seq > after)),
    list: (filter) => call(() => listPage([...disk.summaries.values()], filter)),
    record: (entry) => call(() => recordIn(disk.audit, [entry])),
    audit: (filter) => call(() => auditPage(disk.audit, filter)),
    tail: (after, limit) => call(() => tailOf(disk, after, limit)),
    counts: (statuses) => call(() => countByStatus(disk, statuses)),
    due: (owner, at, limit, since = -1) => call(() => dueIn(underWay(), owner, at, limit, since)),
    owned: (owner, after, limit) => call(() => ownedIn(underWay(), owner, after, limit)),
    owners: () =>
      call(() => {
        const owners = [...new Set(underWay().map(({ owner }) => owner))].sort();
        return owners.map((owner) => ({ owner, lease: disk.leases.get(owner) ?? null }));
      }),
    renewLease: ({ id, host, pid, leaseMs }) =>
      call(() => {
        const renewedAt = now();
        disk.leases.set(id, { id, host, pid, leaseMs, renewedAt });
        return renewedAt;
      }),
    dropLease: (id) => call(() => void disk.leases.delete(id)),
    leases: () => call(() => [...disk.leases.values()].sort((a, b) => (a.id < b.id ? -1 : 1))),
    saveInstance: (registration) => call(() => instances.save(registration)),
    endInstance: (participant, id) => call(() => instances.end(participant, id)),
    forgetInstance: (instance) => call(() => instances.forget(instance)),
    instances: () => call(() => instancesIn(disk.instances)),
    changeParticipant: (change, audit) =>
      call(() => {
        const before = disk.participants.get(change.name);
        const row = changed(change, before);
        if (audit && isAnother(row, before)) recordIn(disk.audit, [audit]);
        disk.participants.set(row.name, row);
        return row;
      }),
    participants: () => call(() => [...disk.participants.values()].sort((a, b) => (a.name < b.name ? -1 : 1))),
    oldestUnfinished: () => call(() => oldestIn(disk)),
    purge: (before, limit) => call(() => purge(disk, before, limit, now())),
    purgeable: (before) => call(() => finishedIn(disk, before).length),
    dropTombstones: (before, limit) => call(() => dropTombstones(disk, before, limit)),
    now: () => call(now),
    stats: () => ({ ...count }),
    close: () => {
      gate.close();
      return groups.idle();
    },
  };
}

const dueIn = (
  rows: readonly SummaryRow[],
  owner: CoordinatorId,
  at: number,
  limit: number,
  since: number,
): readonly Xid[] =>
  rows
    .filter((row) => row.owner === owner && row.dueAt !== null && row.dueAt <= at && row.dueAt > since)
    .sort((a, b) => Number(a.dueAt) - Number(b.dueAt))
    .slice(0, limit)
    .map(({ xid }) => xid);

const ownedIn = (rows: readonly SummaryRow[], owner: CoordinatorId, after: Xid | null, limit: number): readonly Xid[] =>
  rows
    .filter((row) => row.owner === owner && (after === null || row.xid > after))
    .map(({ xid }) => xid)
    .sort()
    .slice(0, limit);

function oldestIn({ summaries }: MemoryDisk): number | null {
  let oldest: number | null = null;
  for (const { status, openedAt } of summaries.values())
    if (!isFinal(status) && (oldest === null || openedAt < oldest)) oldest = openedAt;
  return oldest;
}

function memoryWriter(disk: MemoryDisk, count: ReturnType<typeof counters>): GroupWriter {
  const present = (group: readonly Append[]): ReadonlySet<AppendId> => {
    const there = new Set<AppendId>();
    for (const { xid, seq, append } of group) if (disk.logs.get(xid)?.[seq - 1]?.append === append) there.add(append);
    return there;
  };
  return {
    commit: async (group) => {
      reach('before-commit');
      for (const append of group) count.rowsWritten += add(disk, append);
      count.statements++;
      reach('after-commit');
      return present(group);
    },
    present: async (group) => present(group),
    verdict: () => 'refused',
  };
}

/** How many rows it wrote. */
function add(disk: MemoryDisk, append: Append): number {
  const { seen, summary } = append;
  const row = rowOf(append);
  const log = disk.logs.get(row.xid) ?? [];
  const fits = log[row.seq - 2]?.append === seen || (row.seq === 1 && seen === null);
  const isTaken = log[row.seq - 1] !== undefined && !planted('append-over-another');
  if (isTaken || (!fits && !planted('append-without-predecessor-check'))) return 0;
  log[row.seq - 1] = row;
  disk.logs.set(row.xid, log);
  disk.arrivals.push(row);
  if (append.audit) recordIn(disk.audit, append.audit);
  if (summary === null) return 1;
  const { name, businessKey, openedAt } = disk.summaries.get(row.xid) ?? summary;
  disk.summaries.set(row.xid, { ...summary, xid: row.xid, name, businessKey, openedAt });
  return 2;
}

const rowOf = ({ xid, seq, append, appender, version, at, events }: Append): LogRow => ({
  xid,
  seq,
  append,
  appender,
  version,
  at,
  events,
});

function listPage(rows: readonly SummaryRow[], filter: ListFilter): Page {
  const before = filter.cursor === undefined ? undefined : fromCursor(filter.cursor);
  const found = rows
    .filter((row) => matches(row, filter) && (before === undefined || newestFirst(before, row) < 0))
    .sort(newestFirst);
  const items = found.slice(0, filter.limit);
  const last = items.at(-1);
  return { items, nextCursor: found.length > filter.limit && last ? toCursor(last) : null };
}

const matches = (row: SummaryRow, filter: ListFilter): boolean =>
  (filter.statuses.length === 0 || filter.statuses.includes(row.status)) &&
  (filter.name === undefined || row.name === filter.name) &&
  (filter.businessKey === undefined || row.businessKey === filter.businessKey) &&
  (filter.participant === undefined || row.participants.includes(filter.participant)) &&
  (filter.openedAfter === undefined || row.openedAt > filter.openedAfter) &&
  (filter.openedBefore === undefined || row.openedAt < filter.openedBefore);

const newestFirst = (a: Pick<SummaryRow, 'openedAt' | 'xid'>, b: Pick<SummaryRow, 'openedAt' | 'xid'>): number =>
  b.openedAt - a.openedAt || (a.xid < b.xid ? 1 : a.xid > b.xid ? -1 : 0);
