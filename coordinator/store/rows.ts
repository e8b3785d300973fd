/** Strict reading of what a database gives back: a row that is not as it was written is an error that names it. */
import type { AppendId, CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import { type Decision, type TransactionStatus, transactionStatuses } from '../../sdk/protocol/views.js';
import { type Lease, type LogRow, StoreError, type SummaryRow } from './store.js';
import { purged, tombstoneVersion } from './tombstone.js';

/** A row as a driver gives it, columns by their names in SQL. */
export type Row = Readonly<Record<string, unknown>>;

/** The rows of a log that follow row `after`. */
export function toLog(xid: Xid, rows: readonly Row[], after = 0): readonly LogRow[] {
  if (rows[0]?.version === tombstoneVersion) throw purged(xid, Number(rows[0].at));
  return rows.map((row, index) => {
    const seq = after + index + 1;
    const read = reader(row, `row of the log of ${xid} seq ${typeof row.seq === 'number' ? row.seq : seq}`);
    if (read.integer('seq') !== seq) read.fail('seq', `${seq}`);
    const events = read.text('events');
    if (!isJsonArray(events)) read.fail('events', 'a JSON array');
    return {
      xid,
      seq,
      append: read.text('append') as AppendId,
      appender: read.text('appender') as CoordinatorId,
      version: read.integer('version'),
      at: read.integer('at'),
      events,
    };
  });
}

export function toSummary(row: Row): SummaryRow {
  const read = reader(row, `summary row of ${String(row.xid)}`);
  return {
    xid: read.text('xid') as Xid,
    name: read.text('name'),
    businessKey: read.nullable('business_key', read.text),
    participants: read.names('participants'),
    status: read.oneOf<TransactionStatus>('status', transactionStatuses),
    decision: read.nullable('decision', (column) => read.oneOf<Decision>(column, ['commit', 'rollback'])),
    reason: read.nullable('reason', read.text),
    openedAt: read.integer('opened_at'),
    decidedAt: read.nullable('decided_at', read.integer),
    deadlineAt: read.nullable('deadline_at', read.integer),
    finishedAt: read.nullable('finished_at', read.integer),
    dueAt: read.nullable('due_at', read.integer),
    owner: read.text('owner') as CoordinatorId,
  };
}

export function toLease(row: Row): Lease {
  const read = reader(row, `lease of ${String(row.id)}`);
  return {
    id: read.text('id') as CoordinatorId,
    host: read.text('host'),
    pid: read.integer('pid'),
    renewedAt: read.integer('renewed_at'),
    leaseMs: read.integer('lease_ms'),
  };
}

/** Reads the columns of a row; what is not as expected throws `corrupt`. */
export function reader(row: Row, what: string) {
  const fail = (column: string, expected: string): never => {
    throw new StoreError(
      'corrupt',
      `corrupt ${what}: expected ${column} to be ${expected}, got ${shown(row[column], column)}`,
    );
  };
  const text = (column: string): string => {
    const value = row[column];
    return typeof value === 'string' ? value : fail(column, 'a text');
  };
  const integer = (column: string): number => {
    const value = row[column];
    return Number.isSafeInteger(value) ? (value as number) : fail(column, 'an integer');
  };
  const nullable = <T>(column: string, read: (column: string) => T): T | null =>
    row[column] === null ? null : read(column);
  const oneOf = <T extends string>(column: string, values: readonly T[]): T =>
    values.find((value) => value === row[column]) ?? fail(column, `one of ${values.join(', ')}`);
  const names = (column: string): readonly string[] => {
    const value = parse(text(column));
    const isNames = Array.isArray(value) && value.every((name) => typeof name === 'string');
    return isNames ? (value as string[]) : fail(column, 'a JSON array of names');
  };
  return { fail, text, integer, nullable, oneOf, names };
}

const isJsonArray = (text: string): boolean => Array.isArray(parse(text));

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What holds payload stays out of messages, which end in logs. */
const payload: readonly string[] = ['events', 'detail'];

const shown = (value: unknown, column: string): string =>
  typeof value === 'string' && payload.includes(column)
    ? `${value.length} characters of something else`
    : String(JSON.stringify(value)).slice(0, 60);
