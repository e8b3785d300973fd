import { planted } from '#faults';
import { fromPosition, toPosition } from '../position.js';
import { reader, toSummary } from '../rows.js';
import type { Change, Tail } from '../store.js';
import type { Connection } from './connection.js';

/** One statement, whatever the number of rows: it is asked several times a second. */
export async function readTail(connection: Connection, after: string | null, limit: number): Promise<Tail | null> {
  if (after === null) {
    const [last] = await connection.run('lastRow');
    return { changes: [], position: toPosition(Number(last?.place ?? 0), String(last?.append ?? '')), more: false };
  }
  const from = fromPosition(after);
  if (!from) return null;
  // The row of the position itself comes along, to see that it is the one that was seen.
  const rowsMax = from.place === 0 ? limit : limit + 1;
  const [row] = await connection.run('tail', from.place, rowsMax);
  const read = reader(row ?? {}, 'tail of the log');
  const isThere = from.place === 0 || (row?.first === from.place && read.text('mark').slice(0, 8) === from.mark);
  if (!isThere && !planted('stream-trusts-any-position')) return null;
  if (row?.last === null) return { changes: [], position: after, more: false };
  const changes = JSON.parse(read.text('changes')) as unknown[][];
  return {
    changes: changes.sort(byPlace).map(toChange),
    position: toPosition(read.integer('last'), read.text('append')),
    more: read.integer('count') === rowsMax,
  };
}

/** By the places that the statement gives them: there are thousands a second. */
const toChange = (values: readonly unknown[]): Change => ({
  position: toPosition(Number(values[0]), String(values[1])),
  seq: Number(values[2]),
  at: Number(values[3]),
  row: toSummary({
    xid: values[4],
    name: values[5],
    business_key: values[6],
    participants: values[7],
    status: values[8],
    decision: values[9],
    reason: values[10],
    opened_at: values[11],
    decided_at: values[12],
    deadline_at: values[13],
    finished_at: values[14],
    due_at: values[15],
    owner: values[16],
  }),
});

const byPlace = (a: readonly unknown[], b: readonly unknown[]): number => Number(a[0]) - Number(b[0]);
