/**
 * Owns the transaction of one visit on PostgreSQL.
 *
 * 1. Visits of one branch go one after the other: each holds the lock of its branch (an advisory one, until the transaction's
 *    end) from its first statement on, and what it puts has the key of the table. Who does not have it in time is busy.
 * 2. The work runs as the user's database has it, at its isolation level. What is no work in the database, the beginning and
 *    the end of an external run, is read committed: above that, what the lock waited for is not seen.
 * 3. Work that is taken back takes the whole transaction with it, as a statement that failed does. What is to be kept of it, a
 *    refusal, is written in a transaction of its own if the branch is as it was; else the visitor is asked again.
 * 4. A deadlock or a serialisation failure leaves nothing: the whole is tried again, so many times, and then it is busy.
 * 5. Nobody is answered before the commit returned. When the connection is lost in it, nothing is known and nothing is tried.
 */
import { reach } from '#faults';
import type { Database } from '../../database.js';
import { FenceBusy, type FenceEnd, type Place, type Visitor } from '../table.js';
import { type RawConnection, run } from './connection.js';
import { isConflict, isLost } from './errors.js';
import { GuardedConnection } from './guarded.js';
import { openHandle } from './handle.js';
import { Conflict, type Placed, placeRows, sameRows, swallowed, writeEnd } from './rows.js';

export interface VisitLimits {
  /** How long a visit waits for another one of its branch. */
  readonly lockWaitMs: number;
  /** Transactions that a visit takes at most, before it is busy. */
  readonly attemptsMax: number;
}

export const visitLimits: VisitLimits = Object.freeze({ lockWaitMs: 500, attemptsMax: 4 });

/** The branch is not as it was when the work was done that was then taken back. */
class Changed extends Conflict {}

export async function visitAlone<T>(db: Database, limits: VisitLimits, place: Place, visitor: Visitor<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(db, limits, place, visitor);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      if (attempt >= limits.attemptsMax)
        throw new FenceBusy(`${attempt} transactions were rolled back because of others`, { cause: error });
    }
  }
}

async function once<T>(db: Database, limits: VisitLimits, place: Place, visitor: Visitor<T>): Promise<T> {
  const raw: RawConnection = await db.client.acquireConnection();
  try {
    const transaction = new Transaction(db, raw, limits, place);
    const end = await transaction.run(visitor);
    return end.answer;
  } catch (error) {
    await letGo(raw);
    throw error;
  } finally {
    await db.client.releaseConnection(raw);
  }
}

/** A connection whose transaction cannot be ended goes out of the pool. */
async function letGo(raw: RawConnection): Promise<void> {
  try {
    await run(raw, 'rollback', []);
  } catch (error) {
    Object.assign(raw, { __knex__disposed: error });
  }
}

class Transaction {
  readonly #db: Database;
  readonly #raw: RawConnection;
  readonly #limits: VisitLimits;
  readonly #place: Place;

  constructor(db: Database, raw: RawConnection, limits: VisitLimits, place: Place) {
    this.#db = db;
    this.#raw = raw;
    this.#limits = limits;
    this.#place = place;
  }

  async run<T>(visitor: Visitor<T>): Promise<FenceEnd<T>> {
    let placed = await this.#begin();
    reach('fence-before-work');
    const connection = new GuardedConnection(this.#raw);
    const end = await this.#work(visitor, placed, connection);
    if (leavesNothing(end, connection)) {
      await run(this.#raw, 'rollback', []);
      return end;
    }
    if (end.undo && connection.touched) {
      await run(this.#raw, 'rollback', []);
      const again = await this.#begin();
      if (!sameRows(again.found, placed.found)) throw new Changed('the branch has changed');
      placed = again;
    }
    await writeEnd(this.#raw, placed, end).catch((error) => throwConflictOf(connection, error));
    reach('fence-before-commit');
    await this.#commit(connection);
    reach('fence-after-commit');
    return end;
  }

  #begin(): Promise<Placed> {
    const begin = isOutside(this.#place) ? 'read committed' : 'default';
    return placeRows(this.#raw, { place: this.#place, lockWaitMs: this.#limits.lockWaitMs, begin });
  }

  async #work<T>(visitor: Visitor<T>, { found }: Placed, connection: GuardedConnection): Promise<FenceEnd<T>> {
    const handle = await openHandle(this.#db, connection);
    let end: FenceEnd<T> | undefined;
    try {
      end = await visitor(found, () => handle);
    } catch (error) {
      return throwConflictOf(connection, error);
    } finally {
      const through = connection.end('its handler has ended');
      // What is taken back need not be waited for: it may wait itself, for a lock.
      if (connection.isBusy && (!end || end.undo)) await this.#cancel();
      await through;
    }
    if (end.undo && connection.conflict) throwConflictOf(connection, connection.conflict);
    if (connection.isNested && !end.undo) throw unended();
    return end;
  }

  /** Where that cannot be, it is waited for. */
  #cancel(): Promise<unknown> {
    return this.#db.client.cancelQuery(this.#raw).catch(() => undefined);
  }

  async #commit(connection: GuardedConnection): Promise<void> {
    let command: string | null;
    try {
      ({ command } = await run(this.#raw, 'commit', []));
    } catch (error) {
      if (isConflict(error)) throw new Conflict((error as Error).message, { cause: error });
      throw isLost(error) ? unknown(error) : error;
    }
    // A transaction in which a statement failed says so without an error.
    if (command !== 'COMMIT') throwConflictOf(connection, swallowed());
  }
}

/** Neither work nor rows: the rollback is all that is to be done. */
const leavesNothing = ({ undo, release, set }: FenceEnd<unknown>, { touched }: GuardedConnection): boolean =>
  set.length === 0 && release && (undo || !touched);

/** Whether it is about work outside of the database, which is begun or settled here. */
const isOutside = ({ rows }: Place): boolean => rows.every(({ outcome }) => outcome !== 'done');

/** Whatever a handler makes of a deadlock, its transaction is gone with it. */
function throwConflictOf({ conflict }: GuardedConnection, error: unknown): never {
  throw conflict ? new Conflict(conflict.message, { cause: error }) : error;
}

/** Half of its work may be there, so that none of it is kept. */
const unended = (): Error =>
  new Error(
    'tx.db.transaction: the handler returned before a transaction that it began within tx.db was committed or rolled back; ' +
      'await it, or end it, before returning',
  );

const unknown = (cause: unknown): Error =>
  new Error(
    'the connection was lost in the commit: whether it took place is not known, and a repeat of the command finds out',
    { cause },
  );
