/** The store of each coordinator over the one disk that all of them share, and what goes wrong on the way to it and in it. */
import type { GroupWriter, Verdict } from '../../coordinator/store/group.js';
import { type MemoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import type { Append, AuditRow, Store, SummaryRow } from '../../coordinator/store/store.js';
import { StoreError } from '../../coordinator/store/store.js';
import type { AppendId, Xid } from '../../sdk/protocol/ids.js';
import type { ProcessClock, World } from '../engine/clock.js';
import type { StoreFaults } from '../engine/store.js';
import type { Weather } from './weather.js';

/** Of the database, seen by all: until when it does not answer, and how often it failed over. */
export interface DatabaseState {
  downUntil: number;
  failovers: number;
  /** Rows that others can see already, though nobody was told yet that they are durable: a failover loses them. */
  unsynced: readonly Unsynced[];
  /** Called when somebody reads a transaction of which rows are not synced. */
  onDirtyRead?: (() => void) | undefined;
  /** Appends that the database refuses, each by itself. */
  readonly refused: Set<AppendId>;
  /** Append ids of rows that were lost so, and their transactions. */
  readonly phantoms: Set<AppendId>;
  readonly lost: Set<Xid>;
}

interface Unsynced {
  readonly row: Append;
  /** The summary as it was before. */
  readonly before: SummaryRow | undefined;
}

/** The primary dies: what was not synced is gone, the newest first. Returns how many rows that were. */
export function failOver({ state, disk }: Pick<StoreParts, 'state' | 'disk'>): number {
  const lost = [...state.unsynced].reverse();
  for (const { row, before } of lost) {
    state.phantoms.add(row.append);
    state.lost.add(row.xid);
    const log = disk.logs.get(row.xid) ?? [];
    if (log.at(-1)?.append === row.append) log.pop();
    // The records of a row go with it, and no other of the same moment.
    for (const { by, action } of row.audit ?? []) {
      const is = (each: AuditRow) =>
        each.xid === row.xid && each.at === row.at && each.by === by && each.action === action;
      disk.audit.splice(disk.audit.findLastIndex(is), 1);
    }
    if (log.length === 0) disk.logs.delete(row.xid);
    if (before) disk.summaries.set(row.xid, before);
    else disk.summaries.delete(row.xid);
  }
  state.unsynced = [];
  state.failovers++;
  return lost.length;
}

class Trouble extends Error {
  readonly verdict: Verdict;
  constructor(verdict: Verdict, message: string) {
    super(message);
    this.verdict = verdict;
  }
}

export interface StoreParts {
  readonly world: World;
  readonly weather: Weather;
  readonly disk: MemoryDisk;
  readonly state: DatabaseState;
  /** Something that must never be. */
  readonly onWrong: (what: string) => void;
}

/** Opens the store once more, for one process. A commit that was under way when that died may happen or not. */
export function openStore(parts: StoreParts, isDead: () => boolean): Store {
  const { world, disk } = parts;
  const clock = world.clock();
  const store = memoryStore({ disk, time: world.database, before: (writer) => troubled(parts, writer, clock, isDead) });
  const whenUp = <T>(work: () => Promise<T>): Promise<T> => {
    if (world.ms >= parts.state.downUntil) return work();
    parts.weather.took('store outage');
    return Promise.reject(new StoreError('outage', 'the database does not answer'));
  };
  /** What was read may be old when it comes. */
  const slowly = async <T>(work: () => Promise<T>): Promise<T> => {
    // At the very start nobody moves the time.
    if (world.ms === 0 || !parts.weather.hits('read slow')) return whenUp(work);
    const answer = await whenUp(work);
    await new Promise<void>((resolve) => void clock.after(parts.weather.dice('read slow').between(1, 1500), resolve));
    return answer;
  };
  return {
    ...store,
    append: (append) => checked(parts, append, store.append(append)),
    load: (xid) => {
      noteRead(parts.state, xid);
      return slowly(() => store.load(xid));
    },
    due: (owner, now, limit, since) => slowly(() => store.due(owner, now, limit, since)),
    owned: (owner, after, limit) => whenUp(() => store.owned(owner, after, limit)),
    owners: () => whenUp(() => store.owners()),
    renewLease: (lease) => slowly(() => store.renewLease(lease)),
    dropLease: (id) => whenUp(() => store.dropLease(id)),
    leases: () => whenUp(() => store.leases()),
    changeParticipant: (change) => whenUp(() => store.changeParticipant(change)),
    participants: () => whenUp(() => store.participants()),
    saveInstance: (registration) => whenUp(() => store.saveInstance(registration)),
    endInstance: (participant, id) => whenUp(() => store.endInstance(participant, id)),
    instances: () => whenUp(() => store.instances()),
    oldestUnfinished: () => whenUp(() => store.oldestUnfinished()),
    now: () => whenUp(() => store.now()),
  };
}

/** I3: what is told of an append is so. That it lost: it is not there. That it cannot be stored: it is itself what cannot. */
async function checked({ disk, state, onWrong }: StoreParts, append: Append, answer: Promise<'won' | 'lost'>) {
  const { xid, seq, append: id } = append;
  try {
    const said = await answer;
    if (said === 'lost' && disk.logs.get(xid)?.[seq - 1]?.append === id)
      onWrong(`I3 row ${seq} of ${xid} is there, and its append was told that it lost`);
    return said;
  } catch (error) {
    const isRefused = error instanceof StoreError && error.kind === 'unstorable';
    if (isRefused && !state.refused.has(id)) onWrong(`I3 row ${seq} of ${xid} was refused because of another`);
    throw error;
  }
}

function troubled(parts: StoreParts, writer: GroupWriter, clock: ProcessClock, isDead: () => boolean): GroupWriter {
  const { world, weather, state } = parts;
  const wait = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
  const assertUp = (): void => {
    if (world.ms < state.downUntil) throw new Trouble('outage', 'the database does not answer');
  };
  return {
    async commit(group) {
      assertUp();
      if (weather.hits('store busy')) throw new Trouble('again', 'busy');
      const { failovers } = state;
      if (weather.hits('store slow')) await wait(weather.dice('store slow').between(1, 200));
      // What was not answered yet when the primary died is lost: nobody was told that it is there.
      if (state.failovers !== failovers) throw new Trouble('outage', 'the primary is gone');
      if (isDead() && weather.dice('coordinator crashes').chance(0.5)) throw new Trouble('outage', 'nobody is there');
      if (weather.hits('append unknown, did not happen')) throw new Trouble(verdictOf(weather), 'lost before');
      const one = 'store refuses one of a group';
      if (weather.hits(one)) state.refused.add(weather.dice(one).one(group).append);
      if (group.some(({ append }) => state.refused.has(append))) throw new Trouble('refused', 'it cannot be stored');
      const before = group.map((row): Unsynced => ({ row, before: parts.disk.summaries.get(row.xid) }));
      const there = await writer.commit(group);
      const written = before.filter(({ row }) => there.has(row.append));
      state.unsynced = [...state.unsynced, ...written];
      if (weather.hits('append unknown, happened')) {
        sync(state, written);
        throw new Trouble(verdictOf(weather), 'lost after');
      }
      if (weather.hits('store slow')) await wait(weather.dice('store slow').between(1, 200));
      if (weather.hits('append answered late')) await wait(weather.dice('append answered late').between(1000, 15_000));
      if (state.failovers !== failovers) throw new Trouble('outage', 'the primary is gone');
      sync(state, written);
      const lost = group.filter(({ append }) => !there.has(append)).length;
      for (let i = 0; i < lost; i++) weather.took('store conflict');
      return there;
    },
    async present(group) {
      assertUp();
      return writer.present(group);
    },
    verdict: (error) => (error instanceof Trouble ? error.verdict : writer.verdict(error)),
  };
}

function noteRead(state: DatabaseState, xid: Xid): void {
  const { onDirtyRead } = state;
  if (!onDirtyRead || !state.unsynced.some(({ row }) => row.xid === xid)) return;
  state.onDirtyRead = undefined;
  onDirtyRead();
}

/** What was written before is synced too: a log is copied in its order. */
function sync(state: DatabaseState, written: readonly Unsynced[]): void {
  const last = written.at(-1);
  const at = last ? state.unsynced.indexOf(last) : -1;
  if (at >= 0) state.unsynced = state.unsynced.slice(at + 1);
}

const verdictOf = (weather: Weather): Verdict =>
  weather.dice('append unknown, happened').chance(0.5) ? 'again' : 'outage';

/** What one coordinator's line to the store does. */
export function lineFaults(weather: Weather): StoreFaults {
  return {
    append: ({ events }) => {
      if (weather.hits('append fails on its way')) return 'fails';
      if (events.includes('"branch_done"') && weather.hits('outcome refused by the store')) return 'unstorable';
      return weather.hits('append answer lost') ? 'answer lost' : 'through';
    },
    read: () => (weather.hits('read fails') ? 'fails' : 'through'),
    renew: () => (weather.hits('lease not renewed') ? 'fails' : 'through'),
  };
}
