import type { CoordinatorId, Xid } from '../../../sdk/protocol/ids.js';
import type { Chance } from '../../clock.js';
import { counters, Gate } from '../gate.js';
import { AppendGroups, type GroupLimits, type GroupWriter, groupLimits } from '../group.js';
import { toParticipant } from '../participants.js';
import { type Row, toLease, toLog } from '../rows.js';
import { type Identity, type Lease, type Store, StoreError } from '../store.js';
import { storeClock, systemTime, type TimeSource } from '../time.js';
import { postgresWriter } from './append.js';
import { recordEntry } from './audit.js';
import type { Connection, Run } from './connection.js';
import { type Driver, loadDriver } from './driver.js';
import { isConflict, toStoreError } from './errors.js';
import { endInstance, forgetInstance, readInstances, readOldestUnfinished, saveInstance } from './instances.js';
import { lists } from './lists.js';
import { nameOf } from './name.js';
import { type OpenConnections, openConnections } from './open.js';
import { changeParticipant } from './participants.js';
import { dropTombstones, purge, purgeable } from './purge.js';
import { readTail } from './tail.js';
import { upgradePostgresStore } from './upgrade.js';

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`, with what the driver `pg` takes behind a question mark. */
  readonly url: string;
  readonly chance: Pick<Chance, 'id' | 'draw'>;
  /** In place of the server's clock, for tests. */
  readonly time?: TimeSource;
  /** How long one try waits for a lock of another process. */
  readonly busyTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly limits?: Partial<GroupLimits>;
  /** Gets the driver; the package `pg` unless a test has another. */
  readonly driver?: () => Promise<Driver>;
  /** Stands before what writes groups of appends: to see what goes by. */
  readonly before?: (writer: GroupWriter) => GroupWriter;
}

/** The store in a PostgreSQL database. Rejects with {@link StoreError}, whose message says what to do. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { url, chance, time, busyTimeoutMs = 5000, statementTimeoutMs = 10_000 } = options;
  const gate = new Gate();
  const count = counters();
  let connections: OpenConnections | undefined;
  try {
    const driver = await loadDriver(options.driver);
    const timeouts = { lockTimeoutMs: busyTimeoutMs, statementTimeoutMs };
    connections = openConnections({ url, driver, chance, time: systemTime, ...timeouts });
    const identity = await upgradePostgresStore(url, chance, undefined, options.driver);
    const { before = (writer) => writer } = options;
    const limits = { ...groupLimits, ...options.limits };
    const groups = new AppendGroups(before(postgresWriter(connections.writer, count)), gate, count, limits);
    return postgresStore({ identity, connections, groups, gate, now: time && storeClock(time), count });
  } catch (error) {
    await connections?.close();
    throw toStoreError(gate, `open ${nameOf(url)}`, error);
  }
}

interface Parts {
  readonly identity: Identity;
  readonly connections: OpenConnections;
  readonly groups: AppendGroups;
  readonly gate: Gate;
  /** Undefined where the server's clock is the store's. */
  readonly now: (() => number) | undefined;
  readonly count: ReturnType<typeof counters>;
}

function postgresStore({ identity, connections, groups, gate, now, count }: Parts): Store {
  const { keeper, sweeper, others, db } = connections;
  const pending = new Set<Promise<unknown>>();

  /** Lets a call in, keeps it in sight for close, and turns what the database says into our error. */
  const call = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    gate.check();
    const running = again(work);
    pending.add(running);
    try {
      return await running;
    } catch (error) {
      throw toStoreError(gate, doing, error);
    } finally {
      pending.delete(running);
    }
  };
  const at = (): number | null => now?.() ?? null;
  const { run } = others;
  let closing: Promise<void> | undefined;

  return {
    identity,
    append: (append) => groups.append(append),
    load: (xid, after = 0) => call(`load ${xid}`, async () => toLog(xid, await run('load', xid, after), after)),
    list: (filter) => call('list', () => lists.summaries(db, filter)),
    record: (entry) => call('record', () => recordEntry(run, entry)),
    audit: (filter) => call('read the audit', () => lists.audit(db, filter)),
    tail: (after, limit) => call('read the tail of the log', () => readTail(run, after, limit)),
    counts: (statuses) => call('count', () => lists.counts(db, statuses)),
    due: (owner, now, limit, since = -1) =>
      call('find what is due', async () => xids(await sweeper.run('due', owner, now, since, limit))),
    owned: (owner, after, limit) =>
      call('find what is owned', async () => xids(await sweeper.run('owned', owner, after ?? '', limit))),
    owners: () => call('find the owners', async () => (await sweeper.run('owners')).map(toOwner)),
    renewLease: (lease) => call('renew a lease', () => renewLease(keeper, lease, at())),
    dropLease: (id) => call('drop a lease', async () => void (await keeper.run('dropLease', id))),
    leases: () => call('read the leases', async () => (await keeper.run('leases')).map(toLease)),
    saveInstance: (registration) => call('save an instance', () => saveInstance(others.least, registration, at())),
    endInstance: (participant, id) => call('end an instance', () => endInstance(run, participant, id)),
    forgetInstance: (instance) => call('forget an instance', () => forgetInstance(run, instance)),
    instances: () => call('read the instances', () => readInstances(run)),
    changeParticipant: (change, audit) =>
      call('change a participant', () => changeParticipant(others.least, change, audit)),
    participants: () => call('read the participants', async () => (await run('participants')).map(toParticipant)),
    oldestUnfinished: () => call('find the oldest transaction', () => readOldestUnfinished(run)),
    purge: (before, limit) => call('purge', () => purge(run, before, limit, at())),
    purgeable: (before) => call('count what is finished', () => purgeable(run, before)),
    dropTombstones: (before, limit) => call('drop tombstones', () => dropTombstones(run, before, limit)),
    now: () => call('tell the time', async () => timeIn(await keeper.run('now'), at())),
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

const attemptsMax = 5;

/** What was rolled back for the sake of others is done again, and reads anew what it needs. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error) || attempt >= attemptsMax) throw error;
    }
  }
}

async function renewLease(
  keeper: Connection,
  { id, host, pid, leaseMs }: Omit<Lease, 'renewedAt'>,
  now: number | null,
): Promise<number> {
  return timeIn(await keeper.run('renewLease', id, host, pid, leaseMs, now), now);
}

function timeIn([row]: Awaited<ReturnType<Run>>, given: number | null): number {
  if (given !== null) return given;
  if (typeof row?.now === 'number') return row.now;
  throw new StoreError('outage', `expected the server to tell the time, got ${typeof row?.now}`);
}

const xids = (rows: readonly Row[]): readonly Xid[] => rows.map(({ xid }) => xid as Xid);

const toOwner = (row: Row): { readonly owner: CoordinatorId; readonly lease: Lease | null } => ({
  owner: row.owner as CoordinatorId,
  lease: row.id === null ? null : toLease(row),
});
