import type { OpenTransaction } from '../../database.js';
import { FenceBusy, type FenceEnd, type Place, type Visitor } from '../table.js';
import type { Row } from './driver.js';
import { isBusy } from './errors.js';
import { changeRows, type Placed, placeRows, releaseRows } from './rows.js';
import { type StatementName, statements } from './statements.js';

/** Carries the work's end out of the savepoint that it takes back. */
class Undo extends Error {
  readonly end: FenceEnd<unknown> | undefined;
  constructor(end: FenceEnd<unknown> | undefined, cause?: unknown) {
    super('the work is taken back', { cause });
    this.end = end;
  }
}

/** A visit inside a transaction that the caller began and commits. The work has a savepoint, the rows are outside of it. */
export async function visitIn<T>(trx: OpenTransaction, place: Place, visitor: Visitor<T>): Promise<T> {
  const run = async (name: StatementName, json: string): Promise<readonly Row[]> => {
    try {
      return (await trx.raw(statements[name], [json])) as readonly Row[];
    } catch (error) {
      throw isBusy(error) ? new FenceBusy('another connection writes to the database', { cause: error }) : error;
    }
  };
  const [placed] = (await placeRows([place], run)) as readonly [Placed];
  let end: FenceEnd<unknown> | undefined;
  try {
    end = await trx.transaction(async (nested) => {
      const ended = await visitor(placed.found, () => nested);
      if (ended.undo) throw new Undo(ended);
      return ended;
    });
  } catch (error) {
    if (!(error instanceof Undo)) {
      await releaseRows([{ placed, end: undefined }], run);
      throw error;
    }
    end = error.end;
  }
  const visits = [{ placed, end }];
  await changeRows(visits, run);
  await releaseRows(visits, run);
  return end?.answer as T;
}
