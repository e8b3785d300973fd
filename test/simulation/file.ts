/**
 * A store in a real SQLite file for all coordinators of one simulation, instead of the one in memory, with the same faults
 * on the way to it. Its I/O takes real time, in which the simulated one stands still; in which order two processes get at
 * the file in that time nobody draws, so the same seed may leave another trace.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import { type Append, type LogRow, type Store, StoreError } from '../../coordinator/store/store.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { ProcessClock, World } from '../engine/clock.js';
import { outside } from '../engine/line.js';
import { Dice } from './chance.js';
import type { StoreParts } from './stores.js';

/** SQLite takes processes of one machine only. */
export const oneHost = 'one';

export class StoreFile {
  readonly #seed: number;
  readonly #directory = mkdtempSync(join(tmpdir(), 'concordat-simulation-'));
  readonly #opened: Store[] = [];

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** For one more process. What is won there shows in the disk of the parts too, where everybody looks at once. */
  async open(parts: StoreParts): Promise<Store> {
    const { world, state, weather } = parts;
    const store = await this.#open(world);
    const clock = world.clock();
    const whenUp = <T>(work: () => Promise<T>): Promise<T> => {
      if (world.ms >= state.downUntil) return work();
      weather.took('store outage');
      return Promise.reject(outage('the database does not answer'));
    };
    const there = outside(world, store);
    return {
      ...there,
      append: (append) => whenUp(() => troubled(parts, append, clock, there)),
      load: (xid) => whenUp(() => there.load(xid)),
      due: (owner, now, limit, since) => whenUp(() => there.due(owner, now, limit, since)),
      owned: (owner, after, limit) => whenUp(() => there.owned(owner, after, limit)),
      owners: () => whenUp(() => there.owners()),
      renewLease: (lease) => whenUp(() => there.renewLease(lease)),
      dropLease: (id) => whenUp(() => world.whileOutside(store.dropLease(id))),
      leases: () => whenUp(() => world.whileOutside(store.leases())),
      list: (filter) => whenUp(() => world.whileOutside(store.list(filter))),
      changeParticipant: (change) => whenUp(() => world.whileOutside(store.changeParticipant(change))),
      participants: () => whenUp(() => world.whileOutside(store.participants())),
      saveInstance: (registration) => whenUp(() => world.whileOutside(store.saveInstance(registration))),
      endInstance: (participant, id) => whenUp(() => world.whileOutside(store.endInstance(participant, id))),
      forgetInstance: (instance) => whenUp(() => world.whileOutside(store.forgetInstance(instance))),
      instances: () => whenUp(() => world.whileOutside(store.instances())),
      oldestUnfinished: () => whenUp(() => world.whileOutside(store.oldestUnfinished())),
      now: () => whenUp(() => there.now()),
    };
  }

  /** What is in the file, whatever anybody was told. Nothing can be asked after this. */
  async close(world: World, xids: readonly Xid[]): Promise<ReadonlyMap<Xid, readonly LogRow[]>> {
    const logs = new Map<Xid, readonly LogRow[]>();
    for (const store of this.#opened) await store.close();
    const last = await this.#open(world);
    for (const xid of xids) {
      const rows = await last.load(xid);
      if (rows.length > 0) logs.set(xid, rows);
    }
    await last.close();
    rmSync(this.#directory, { recursive: true });
    return logs;
  }

  async #open(world: World): Promise<Store> {
    const path = join(this.#directory, 'concordat.db');
    // It draws for the file what the simulation drew for its disk in memory: they are one and the same store.
    const chance = new Dice(this.#seed, 'simulation').chanceOf();
    const store = await world.whileOutside(openSqliteStore({ path, chance, host: oneHost, time: world.database }));
    this.#opened.push(store);
    return store;
  }
}

const outage = (message: string): StoreError => new StoreError('outage', message);

async function troubled(parts: StoreParts, append: Append, clock: ProcessClock, store: Store): Promise<'won' | 'lost'> {
  const { weather } = parts;
  const wait = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
  if (weather.hits('store slow')) await wait(weather.dice('store slow').between(1, 200));
  if (weather.hits('append unknown, did not happen')) throw outage('lost before');
  const answer = await store.append(append);
  if (answer === 'won') mirror(parts, append);
  else weather.took('store conflict');
  if (weather.hits('append unknown, happened')) throw outage('lost after');
  if (weather.hits('append answered late')) await wait(weather.dice('append answered late').between(1000, 15_000));
  return answer;
}

function mirror({ disk }: StoreParts, { seen: _, summary, ...row }: Append): void {
  const log = disk.logs.get(row.xid) ?? [];
  log[row.seq - 1] = row;
  disk.logs.set(row.xid, log);
  if (!summary) return;
  const { name, businessKey, openedAt } = disk.summaries.get(row.xid) ?? summary;
  disk.summaries.set(row.xid, { ...summary, xid: row.xid, name, businessKey, openedAt });
}
