import { planted, reach } from '#faults';
import type { AppendId } from '../../../sdk/protocol/ids.js';
import type { Counters } from '../gate.js';
import type { GroupWriter } from '../group.js';
import type { Row } from '../rows.js';
import type { Append, Summary } from '../store.js';
import type { Connection } from './connection.js';
import { verdictOf } from './errors.js';

/** Group commit on SQLite: one writer connection, one statement for the rows, one for the summaries. */
export function sqliteWriter(writer: Connection, counters: Counters): GroupWriter {
  return {
    commit: (group) => writer.exclusive(() => commit(writer, counters, group)),
    present: (group) => writer.exclusive(() => present(writer, group)),
    verdict: verdictOf,
  };
}

async function commit(
  writer: Connection,
  counters: Counters,
  group: readonly Append[],
): Promise<ReadonlySet<AppendId>> {
  // One statement is a transaction by itself.
  if (group.every(({ summary }) => summary === null)) {
    reach('before-commit');
    const inserted = await insertLog(writer, group);
    reach('after-commit');
    counters.rowsWritten += inserted.size;
    return inserted.size === group.length ? inserted : union(inserted, await present(writer, group));
  }
  try {
    await writer.run('begin');
    const inserted = await insertLog(writer, group);
    const there = inserted.size === group.length ? inserted : union(inserted, await present(writer, group));
    const summaries = group.flatMap((append) => (inserted.has(append.append) ? summaryRow(append) : []));
    if (summaries.length > 0) await writer.run('upsertSummaries', `[${summaries.join(',')}]`);
    reach('before-commit');
    await writer.run('commit');
    reach('after-commit');
    counters.rowsWritten += inserted.size + summaries.length;
    return there;
  } catch (error) {
    // When there is nothing to roll back, because the begin failed or SQLite did it already, this fails and may.
    await writer.run('rollback').catch(() => undefined);
    throw error;
  }
}

async function insertLog(writer: Connection, group: readonly Append[]): Promise<ReadonlySet<AppendId>> {
  const rows = group.map((append) => [
    append.xid,
    append.seq,
    append.append,
    append.appender,
    append.version,
    append.at,
    append.events,
    append.seen,
  ]);
  const statement = planted('append-without-predecessor-check') ? 'insertLogUnchecked' : 'insertLog';
  return ids(await writer.run(statement, JSON.stringify(rows)));
}

/** An append that did not go in may be there from an earlier try whose answer got lost: then it won, not lost. */
async function present(writer: Connection, group: readonly Append[]): Promise<ReadonlySet<AppendId>> {
  return ids(await writer.run('present', JSON.stringify(group.map(({ xid, seq, append }) => [xid, seq, append]))));
}

const ids = (rows: readonly Row[]): ReadonlySet<AppendId> => new Set(rows.map((row) => row.append as AppendId));

const union = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>): ReadonlySet<T> => new Set([...a, ...b]);

const summaryRow = ({ xid, summary }: Append): readonly string[] =>
  summary === null ? [] : [JSON.stringify([xid, ...summaryValues(summary)])];

/** In the order of the statement's columns. */
const summaryValues = (summary: Summary): readonly unknown[] => [
  summary.name,
  summary.businessKey,
  JSON.stringify(summary.participants),
  summary.status,
  summary.decision,
  summary.reason,
  summary.openedAt,
  summary.decidedAt,
  summary.deadlineAt,
  summary.finishedAt,
  summary.dueAt,
  summary.owner,
];
