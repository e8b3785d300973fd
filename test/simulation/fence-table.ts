/** The fence's table in the memory of a simulator: what the SQL ones promise, with no database behind it. */
import { planted, reach } from '#faults';
import type { OpenTransaction } from '../../sdk/resources/database.js';
import type {
  BranchKey,
  FenceChange,
  FencePhase,
  FenceRow,
  FenceTable,
  Found,
  Place,
} from '../../sdk/resources/fence/table.js';
import type { Connection, Transaction } from './database.js';

const keyOf = ({ origin, xid, branch }: BranchKey, phase: FencePhase): string =>
  `${origin}\n${xid}\n${branch}\n${phase}`;

export function memoryFenceTable(
  connection: Connection,
  dbOf: (transaction: Transaction) => OpenTransaction,
): FenceTable {
  const { fence } = connection.disk;
  return {
    prepare: async () => undefined,
    async visit(place, visitor) {
      const transaction = await connection.begin();
      try {
        const { found, inserted } = put(transaction, place);
        const mark = transaction.mark();
        reach('fence-before-work');
        const end = await visitor(found, () => dbOf(transaction));
        if (end.undo) transaction.rollbackTo(mark);
        change(transaction, place.key, end.set);
        if (end.release) for (const phase of inserted) transaction.remove(fence, keyOf(place.key, phase));
        reach('fence-before-commit');
        const committed = transaction.commit();
        if (planted('fence-answers-before-commit')) committed.catch(() => undefined);
        else await committed;
        reach('fence-after-commit');
        return end.answer;
      } catch (error) {
        transaction.rollback();
        throw error;
      }
    },
    async clean(origin, before, rowsMax) {
      const old = [...fence].filter(([key, { at }]) => key.startsWith(`${origin}\n`) && at < before);
      const gone = old.sort(([, one], [, other]) => one.at - other.at).slice(0, rowsMax);
      for (const [key] of gone) fence.delete(key);
      return gone.length;
    },
  };
}

/** Puts the rows where none are, in their order, and tells what was there before. */
function put(
  transaction: Transaction,
  { key, at, rows }: Place,
): { readonly found: Found; readonly inserted: readonly FencePhase[] } {
  const { fence } = transaction.disk;
  if (planted('fence-inserts-nothing')) return { found: { first: undefined, second: undefined }, inserted: [] };
  const found: Found = { first: fence.get(keyOf(key, 1)), second: fence.get(keyOf(key, 2)) };
  const inserted: FencePhase[] = [];
  for (const { phase, op, outcome, unlessSettled } of rows) {
    if ((phase === 1 ? found.first : found.second) || (unlessSettled && found.second)) continue;
    const row: FenceRow = { op, outcome, result: null, at };
    transaction.write(fence, keyOf(key, phase), row);
    inserted.push(phase);
  }
  return { found, inserted };
}

function change(transaction: Transaction, key: BranchKey, set: readonly FenceChange[]): void {
  if (planted('fence-inserts-nothing')) return;
  const { fence } = transaction.disk;
  let wrote = 0;
  for (const { phase, outcome, result, at } of set) {
    const row = fence.get(keyOf(key, phase));
    if (!row) continue;
    transaction.write(fence, keyOf(key, phase), { op: row.op, outcome, result, at });
    wrote++;
  }
  if (wrote !== set.length) throw new Error(`the fence expected to write ${set.length} rows, wrote ${wrote}`);
}
