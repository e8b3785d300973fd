import type { OpenTransaction } from '../../database.js';
import { FenceBusy, type FenceEnd, type Place, type Visitor } from '../table.js';
import type { RawConnection } from './connection.js';
import { Conflict, type Placed, placeRows, releaseRows, writeEnd } from './rows.js';

/** Carries the work's end out of the savepoint that it takes back. */
class Undo extends Error {
  readonly end: FenceEnd<unknown>;
  constructor(end: FenceEnd<unknown>) {
    super('the work is taken back');
    this.end = end;
  }
}

/** A visit inside a transaction that the caller began and commits. The work has a savepoint, the rows are outside of it. */
export async function visitIn<T>(
  trx: OpenTransaction,
  lockWaitMs: number,
  place: Place,
  visitor: Visitor<T>,
): Promise<T> {
  const raw: RawConnection = await trx.client.acquireConnection();
  try {
    const placed = await placeRows(raw, { place, lockWaitMs });
    const end = await workIn(trx, raw, placed, visitor);
    await writeEnd(raw, placed, end);
    return end.answer as T;
  } catch (error) {
    // The caller's transaction is rolled back already: only they can try it again.
    throw error instanceof Conflict ? new FenceBusy(error.message, { cause: error }) : error;
  }
}

async function workIn(
  trx: OpenTransaction,
  raw: RawConnection,
  placed: Placed,
  visitor: Visitor<unknown>,
): Promise<FenceEnd<unknown>> {
  try {
    return await trx.transaction(async (nested) => {
      const end = await visitor(placed.found, () => nested);
      if (end.undo) throw new Undo(end);
      return end;
    });
  } catch (error) {
    if (error instanceof Undo) return error.end;
    await releaseRows(raw, placed);
    throw error;
  }
}
