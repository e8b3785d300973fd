/**
 * Owns the writing connection's time on SQLite, where there is one writer.
 *
 * 1. Visits that wait while a transaction is in flight go together in the next one: one begin, one statement that puts the
 *    rows of all, one that writes what became of them, one commit.
 * 2. Each works through its own connection, which lets nothing through after its end. Savepoints are dear, and few works
 *    are taken back once they have written: groups go without, until one has to be. That group is worked again from its
 *    beginning, and for a while each work has a savepoint and is taken back alone. The first needs none: when it fails,
 *    the transaction is begun again.
 * 3. A branch is in a group at most once, so that no visit is judged by another that is not committed yet.
 * 4. A group begins no further work once it has run for `budgetMs`; the rest goes into the next one. Between groups the
 *    connection goes back to the pool, where others may wait for it.
 * 5. Nobody is answered before the commit returned. When it fails, nothing is known of any of them. Where a constraint
 *    that was checked then (a deferred foreign key) made it fail, each is worked again in a transaction of its own.
 */
import { AsyncResource } from 'node:async_hooks';
import type { Database as Sqlite } from 'sqlite3';
import { planted, reach } from '#faults';
import type { Database } from '../../database.js';
import { FenceBusy, type FenceEnd, type Place, type Visitor } from '../table.js';
import { type Driver, driverOf } from './driver.js';
import { isBusy, isConstraint } from './errors.js';
import { GuardedConnection } from './guarded.js';
import { type OpenHandle, slowHandle } from './handle.js';
import { changeRows, keyOf, type Placed, placeRows, releaseRows, sameRows } from './rows.js';

export interface GroupOptions {
  readonly db: Database;
  /** Undefined where each handler needs a transaction that knex made. */
  readonly thin: OpenHandle | undefined;
  /** Ms that only grow. */
  readonly monotonic: () => number;
  readonly limits: GroupLimits;
}

export interface GroupLimits {
  readonly countMax: number;
  readonly budgetMs: number;
  /** Groups that take savepoints after one that needed them. */
  readonly cautiousFor: number;
  /** Tries of a commit that another connection holds up. */
  readonly commitAttemptsMax: number;
}

export const groupLimits: GroupLimits = Object.freeze({
  countMax: 64,
  budgetMs: 20,
  cautiousFor: 100,
  commitAttemptsMax: 3,
});

interface Waiting {
  readonly place: Place;
  readonly visitor: Visitor<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What became of one visit; `end` is undefined where its visitor threw. */
type Fate = { readonly end: FenceEnd<unknown> } | { readonly error: unknown; readonly end?: undefined };

/** A work that was not the first has to be taken back, and has no savepoint. */
class NoSavepoint extends Error {
  readonly index: number;
  readonly fate: Fate;

  constructor(index: number, fate: Fate) {
    super('a work has to be taken back alone');
    this.index = index;
    this.fate = fate;
  }
}

export class VisitGroups {
  readonly #options: GroupOptions;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  /** How many go into the next group: as many as lately had their turn in time. */
  #room: number;
  /** How many of those that wait go alone first. */
  #alone = 0;
  /** How many of the next groups take savepoints. */
  #cautious = 0;

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#room = options.limits.countMax;
  }

  visit<T>(place: Place, visitor: Visitor<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // Each works in the context that it was asked in, not in that of whoever began the group.
      const context = new AsyncResource('concordat.fence', { requireManualDestroy: true });
      this.#waiting.push({
        place,
        visitor: (found, db) => context.runInAsyncScope(visitor, undefined, found, db),
        resolve: resolve as (answer: unknown) => void,
        reject,
      });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    // Let everything that arrives in this turn of the loop come along.
    await null;
    while (this.#waiting.length > 0) await this.#next();
    this.#running = undefined;
  }

  async #next(): Promise<void> {
    const { client } = this.#options.db;
    let raw: Sqlite;
    try {
      raw = await client.acquireConnection();
    } catch (error) {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
      return;
    }
    try {
      await this.#settle(raw, this.#take());
    } finally {
      await client.releaseConnection(raw);
    }
  }

  #take(): readonly Waiting[] {
    const group: Waiting[] = [];
    const later: Waiting[] = [];
    const keys = new Set<string>();
    const room = this.#alone > 0 ? 1 : this.#room;
    this.#alone = Math.max(0, this.#alone - 1);
    let next = 0;
    for (; next < this.#waiting.length && group.length < room; next++) {
      const visit = this.#waiting[next] as Waiting;
      const key = keyOf(visit.place.key);
      (keys.has(key) ? later : group).push(visit);
      keys.add(key);
    }
    this.#waiting = later.concat(this.#waiting.slice(next));
    return group;
  }

  async #settle(raw: Sqlite, group: readonly Waiting[]): Promise<void> {
    const driver = driverOf(raw);
    const isCautious = this.#cautious > 0;
    this.#cautious = Math.max(0, this.#cautious - 1);
    let fates: readonly Fate[];
    try {
      fates = await new Transaction(driver, this.#options, group, isCautious).run();
    } catch (error) {
      await letGo(raw, driver);
      const again = this.#workAgain(group, error);
      if (again) this.#waiting = again.concat(this.#waiting);
      else for (const { reject } of group) reject(error);
      return;
    }
    this.#waiting = group.slice(fates.length).concat(this.#waiting);
    this.#room = fates.length < group.length ? fates.length : Math.min(this.#options.limits.countMax, this.#room * 2);
    for (const [index, fate] of fates.entries()) tell(group[index] as Waiting, fate);
  }

  /** Who of a group that nothing is left of is worked again, in another way. Undefined where that is of no use. */
  #workAgain(group: readonly Waiting[], error: unknown): readonly Waiting[] | undefined {
    if (error instanceof NoSavepoint) {
      this.#cautious = this.#options.limits.cautiousFor;
      const { index, fate } = error;
      if (!leavesNothing(fate)) return group;
      tell(group[index] as Waiting, fate);
      return group.toSpliced(index, 1);
    }
    if (group.length === 1 || !isConstraint(error)) return undefined;
    this.#alone = group.length;
    return group;
  }
}

function tell({ resolve, reject }: Waiting, fate: Fate): void {
  if (fate.end) resolve(fate.end.answer);
  else reject(fate.error);
}

/** Nothing of it is to be kept: once its transaction is rolled back, that is so. */
const leavesNothing = ({ end }: Fate): boolean =>
  end === undefined || (end.undo && end.release && end.set.length === 0);

/** A connection whose transaction cannot be ended goes out of the pool. */
async function letGo(raw: Sqlite, driver: Driver): Promise<void> {
  try {
    await driver.run('rollback');
  } catch (error) {
    const none = error instanceof Error && /no transaction is active/.test(error.message);
    if (!none) Object.assign(raw, { __knex__disposed: error });
  }
}

/** Half of its work may be there, so that none of it is kept. */
const unended = (): Fate => ({
  error: new Error(
    'tx.db.transaction: the handler returned before a transaction that it began within tx.db was committed or rolled back; ' +
      'await it, or end it, before returning',
  ),
});

/** One transaction of a group. */
class Transaction {
  readonly #driver: Driver;
  readonly #options: GroupOptions;
  readonly #group: readonly Waiting[];
  readonly #isCautious: boolean;
  #placed: readonly Placed[] = [];

  constructor(driver: Driver, options: GroupOptions, group: readonly Waiting[], isCautious: boolean) {
    this.#driver = driver;
    this.#options = options;
    this.#group = group;
    this.#isCautious = isCautious;
  }

  /** Resolves after the commit with the fates of those whose turn came. */
  async run(): Promise<readonly Fate[]> {
    const { monotonic, limits } = this.#options;
    await this.#begin();
    reach('fence-before-work');
    const startedAt = monotonic();
    const fates: Fate[] = [];
    for (const [index, visit] of this.#group.entries()) {
      if (index > 0 && monotonic() - startedAt >= limits.budgetMs) break;
      if (index > 0 && this.#isCautious) await this.#driver.run('savepoint');
      fates.push(await this.#turn(index, visit));
    }
    await this.#write(fates);
    reach('fence-before-commit');
    if (planted('fence-answers-before-commit')) this.#answerEarly(fates);
    await this.#commit();
    reach('fence-after-commit');
    return fates;
  }

  async #begin(): Promise<void> {
    try {
      await this.#driver.run('begin');
    } catch (error) {
      throw isBusy(error) ? new FenceBusy('another connection writes to the database', { cause: error }) : error;
    }
    const places = this.#group.map(({ place }) => place);
    this.#placed = await placeRows(places, (name, json) => this.#driver.run(name, json));
  }

  async #turn(index: number, visit: Waiting): Promise<Fate> {
    const { found } = this.#placed[index] as Placed;
    const connection = new GuardedConnection(this.#driver, { swallowsBegin: this.#options.thin === undefined });
    const worked = await this.#work(visit, found, connection);
    if (connection.lost) throw connection.lost;
    const fate = connection.isNested && worked.end && !worked.end.undo ? unended() : worked;
    if (!connection.mayHaveWritten || (fate.end && !fate.end.undo)) return fate;
    if (index > 0) {
      if (!this.#isCautious) throw new NoSavepoint(index, fate);
      await this.#driver.run('undo');
      return fate;
    }
    await this.#driver.run('rollback');
    await this.#begin();
    // While nothing was held, somebody may have taken the place: then what is there is the answer.
    return sameRows(found, (this.#placed[0] as Placed).found) ? fate : this.#turn(index, visit);
  }

  async #work({ visitor }: Waiting, found: Placed['found'], connection: GuardedConnection): Promise<Fate> {
    const { thin, db } = this.#options;
    try {
      let handle = thin ? undefined : await slowHandle(db, connection);
      // A slow one is there already; else there are thin ones.
      const open = () => {
        handle ??= (thin as OpenHandle)(connection);
        return handle;
      };
      return { end: await visitor(found, open) };
    } catch (error) {
      return { error };
    } finally {
      await connection.end('its handler has ended');
    }
  }

  /** What became of the rows, in a statement or two for all; those whose turn did not come are taken away again. */
  async #write(fates: readonly Fate[]): Promise<void> {
    const run = (name: 'change' | 'release', json: string) => this.#driver.run(name, json);
    const visits = this.#placed.map((placed, index) => ({ placed, end: fates[index]?.end }));
    await changeRows(visits, run);
    await releaseRows(visits, run);
  }

  async #commit(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#driver.run('commit');
        return;
      } catch (error) {
        if (!isBusy(error) || attempt >= this.#options.limits.commitAttemptsMax) throw error;
      }
    }
  }

  #answerEarly(fates: readonly Fate[]): void {
    for (const [index, { end }] of fates.entries()) if (end) this.#group[index]?.resolve(end.answer);
  }
}
