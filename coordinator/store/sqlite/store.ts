import { hostname } from 'node:os';
import type { CoordinatorId, Xid } from '../../../sdk/protocol/ids.js';
import type { Chance } from '../../clock.js';
import { counters, Gate } from '../gate.js';
import { AppendGroups, type GroupLimits, type GroupWriter, groupLimits } from '../group.js';
import { toParticipant } from '../participants.js';
import { type Row, toLease, toLog } from '../rows.js';
import { type Identity, type Lease, type Store, StoreError } from '../store.js';
import { storeClock, systemTime, type TimeSource } from '../time.js';
import { sqliteWriter } from './append.js';
import { recordEntry } from './audit.js';
import type { Around } from './connection.js';
import { toStoreError } from './errors.js';
import { type FileSystemType, fileSystemType, refuseSharedFileSystem } from './filesystem.js';
import { endInstance, forgetInstance, readInstances, readOldestUnfinished, saveInstance } from './instances.js';
import { lists } from './lists.js';
import { type Connections, type Driver, loadDriver, openConnections } from './open.js';
import { changeParticipant } from './participants.js';
import { dropTombstones, purge, purgeable } from './purge.js';
import { prepareSchema, refuseOtherHost } from './schema.js';
import { readTail } from './tail.js';

export interface SqliteStoreOptions {
  /** A file, made when it is not there (its directory is not), or `:memory:`. */
  readonly path: string;
  readonly chance: Chance;
  /** Name of this machine, for its leases. */
  readonly host?: string;
  readonly time?: TimeSource;
  /** How long one try waits for the lock of another process. */
  readonly busyTimeoutMs?: number;
  readonly limits?: Partial<GroupLimits>;
  readonly fileSystemType?: FileSystemType;
  /** Gets the driver; the package `sqlite3` unless a test watches it. */
  readonly driver?: () => Promise<Driver>;
  readonly around?: Around;
  /** Stands before what writes groups of appends: to see what goes by. */
  readonly before?: (writer: GroupWriter) => GroupWriter;
}

/** The store in one SQLite file, or in memory. Rejects with {@link StoreError}, whose message says what to do. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, chance, host = hostname(), time = systemTime, busyTimeoutMs = 5000 } = options;
  const gate = new Gate();
  const now = storeClock(time);
  const count = counters();
  let connections: Connections | undefined;
  try {
    if (path !== ':memory:') await refuseSharedFileSystem(path, options.fileSystemType ?? fileSystemType);
    const driver = await loadDriver(options.driver);
    connections = await openConnections({ path, busyTimeoutMs, driver, around: options.around, counters: count });
    const identity = await prepareSchema(connections.db, path, chance, now());
    await refuseOtherHost(connections.db, path, host, now());
    count.statements = 0;
    const { before = (writer) => writer } = options;
    const groups = new AppendGroups(before(sqliteWriter(connections.writer, count)), gate, count, {
      ...groupLimits,
      ...options.limits,
    });
    return sqliteStore({ identity, connections, groups, gate, now, count });
  } catch (error) {
    await connections?.close();
    throw toStoreError(gate, `open ${path}`, error);
  }
}

interface Parts {
  readonly identity: Identity;
  readonly connections: Connections;
  readonly groups: AppendGroups;
  readonly gate: Gate;
  readonly now: () => number;
  readonly count: ReturnType<typeof counters>;
}

function sqliteStore({ identity, connections, groups, gate, now, count }: Parts): Store {
  const { writer, reader, db, inMemory } = connections;
  const pending = new Set<Promise<unknown>>();

  /** Lets a call in, keeps it in sight for close, and turns what the database says into our error. */
  const call = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    gate.check();
    const running = work();
    pending.add(running);
    try {
      return await running;
    } catch (error) {
      throw toStoreError(gate, doing, error);
    } finally {
      pending.delete(running);
    }
  };
  // One read at a time keeps an I/O thread free for the writer; in memory it also keeps reads out of the middle of a group.
  const read = <T>(doing: string, work: () => Promise<T>): Promise<T> => call(doing, () => reader.exclusive(work));
  const write = <T>(doing: string, work: () => Promise<T>): Promise<T> => call(doing, () => writer.exclusive(work));
  const listing = <T>(doing: string, work: () => Promise<T>): Promise<T> =>
    call(doing, inMemory ? () => writer.exclusive(work) : work);
  let closing: Promise<void> | undefined;

  return {
    identity,
    append: (append) => groups.append(append),
    load: (xid, after = 0) => read(`load ${xid}`, async () => toLog(xid, await reader.run('load', xid, after), after)),
    list: (filter) => listing('list', () => lists.summaries(db, filter)),
    record: (entry) => write('record', () => recordEntry(writer, entry)),
    audit: (filter) => listing('read the audit', () => lists.audit(db, filter)),
    tail: (after, limit) => read('read the tail of the log', () => readTail(reader, after, limit)),
    counts: (statuses) => listing('count', () => lists.counts(db, statuses)),
    due: (owner, at, limit, since = -1) =>
      read('find what is due', async () => xids(await reader.run('due', owner, at, since, limit))),
    owned: (owner, after, limit) =>
      read('find what is owned', async () => xids(await reader.run('owned', owner, after ?? '', limit))),
    owners: () => read('find the owners', async () => (await reader.run('owners')).map(toOwner)),
    renewLease: (lease) => write('renew a lease', () => renewLease(writer, lease, now)),
    dropLease: (id) => write('drop a lease', async () => void (await writer.run('dropLease', id))),
    leases: () => read('read the leases', async () => (await reader.run('leases')).map(toLease)),
    saveInstance: (registration) => write('save an instance', () => saveInstance(writer, registration, now())),
    endInstance: (participant, id) => write('end an instance', () => endInstance(writer, participant, id)),
    forgetInstance: (instance) => write('forget an instance', () => forgetInstance(writer, instance)),
    instances: () => read('read the instances', () => readInstances(reader)),
    changeParticipant: (change, audit) => write('change a participant', () => changeParticipant(writer, change, audit)),
    participants: () =>
      read('read the participants', async () => (await reader.run('participants')).map(toParticipant)),
    oldestUnfinished: () => read('find the oldest transaction', () => readOldestUnfinished(reader)),
    purge: (before, limit) => write('purge', () => purge(writer, before, limit, now())),
    purgeable: (before) => read('count what is finished', () => purgeable(reader, before)),
    dropTombstones: (before, limit) => write('drop tombstones', () => dropTombstones(writer, before, limit)),
    now: () =>
      read('tell the time', async () => {
        await reader.run('answers');
        return now();
      }),
    stats: () => ({ ...count }),
    close: () => {
      gate.close();
      closing ??= groups
        .idle()
        .then(() => Promise.allSettled(pending))
        .then(() => connections.close())
        .catch((error: unknown) => Promise.reject(toStoreError(gate, 'close', error)));
      return closing;
    },
  };
}

async function renewLease(
  writer: Connections['writer'],
  { id, host, pid, leaseMs }: Omit<Lease, 'renewedAt'>,
  now: () => number,
): Promise<number> {
  await writer.run('renewLease', id, host, pid, now(), leaseMs);
  // What it was before the write would set the caller's clock back by as long as that took.
  return now();
}

const xids = (rows: readonly Row[]): readonly Xid[] => rows.map(({ xid }) => xid as Xid);

const toOwner = (row: Row): { readonly owner: CoordinatorId; readonly lease: Lease | null } => ({
  owner: row.owner as CoordinatorId,
  lease: row.id === null ? null : toLease(row),
});
