import { planted } from '#faults';
import type { Xid } from '../../../sdk/protocol/ids.js';
import { type Row, reader, toSummary } from '../rows.js';
import type { Change, Tail } from '../store.js';
import type { Run } from './connection.js';
import { fromText } from './text.js';

/**
 * A place in the order in which rows came into the log: by the server's transaction that wrote them, and within one, whose
 * order nobody can tell, by append id. A number drawn from a sequence would not do: who draws earlier may commit later,
 * and whoever read on in between would never see it. Only what no earlier transaction can still add to is read.
 */
interface Place {
  readonly born: number;
  readonly append: string;
}

const toPosition = ({ born, append }: Place): string => `${born}-${append}`;

/** Undefined for a text that {@link toPosition} did not write. */
function fromPosition(text: string): Place | undefined {
  const [, born, append = ''] = /^(0|[1-9]\d{0,14})-([\w-]{0,64})$/.exec(text) ?? [];
  return born === undefined ? undefined : { born: Number(born), append };
}

export async function readTail(run: Run, after: string | null, limit: number): Promise<Tail | null> {
  if (after === null) {
    const [last] = await run('lastRow', await settled(run));
    return { changes: [], position: last ? positionOf(last) : toPosition({ born: 0, append: '' }), more: false };
  }
  const from = fromPosition(after);
  if (!from) return null;
  const rows = await run('tail', from.born, from.append, limit, await settled(run));
  if (from.born !== 0 && rows[0]?.known !== true && !planted('stream-trusts-any-position')) return null;
  const fresh = rows.filter((row) => row.append !== null);
  const last = fresh.at(-1);
  return { changes: newest(fresh), position: last ? positionOf(last) : after, more: fresh.length === limit };
}

/**
 * Rows of the server's transactions before this one are all there. What is read upon it is a statement of its own, as it has
 * to see what was committed while this one looked. This, and the column that it is compared with, are PostgreSQL's own:
 * CockroachDB would need its closed timestamps in their place.
 */
async function settled(run: Run): Promise<number> {
  const [row] = await run('settled');
  return planted('tail-without-waiting')
    ? Number.MAX_SAFE_INTEGER
    : reader(row ?? {}, 'state of the server').integer('settled');
}

const positionOf = (row: Row): string => {
  const read = reader(row, 'tail of the log');
  return toPosition({ born: read.integer('born'), append: read.text('append') });
};

/** Of each transaction the last row alone, in its place; what was purged meanwhile has no summary and is left out. */
function newest(rows: readonly Row[]): readonly Change[] {
  const byXid = new Map<Xid, Row>();
  for (const row of rows) {
    const xid = row.xid as Xid;
    byXid.delete(xid);
    byXid.set(xid, row);
  }
  return [...byXid.values()].filter((row) => row.status !== null).map(toChange);
}

const toChange = (row: Row): Change => ({
  position: positionOf(row),
  seq: Number(row.seq),
  at: Number(row.at),
  row: toSummary(readable(row)),
});

/** A summary row with its texts as they were given. */
export const readable = (row: Row): Row => ({
  ...row,
  name: fromText(row.name),
  business_key: fromText(row.business_key),
  reason: fromText(row.reason),
});
