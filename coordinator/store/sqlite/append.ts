import { planted, reach } from '#faults';
import type { AppendId } from '../../../sdk/protocol/ids.js';
import type { Summary } from '../../../sdk/protocol/summary.js';
import { auditValues } from '../audit.js';
import type { Counters } from '../gate.js';
import type { GroupWriter } from '../group.js';
import type { Row } from '../rows.js';
import type { Append } from '../store.js';
import type { Connection } from './connection.js';
import { verdictOf } from './errors.js';

/** Group commit on SQLite: on one writer connection, one statement that is a transaction by itself. */
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
  const statement = planted('append-without-predecessor-check') ? 'insertLogUnchecked' : 'insertLog';
  const rows = rowsOf(group);
  reach('before-commit');
  const inserted = ids(await writer.run(statement, rows));
  reach('after-commit');
  for (const { append, summary } of group) if (inserted.has(append)) counters.rowsWritten += summary ? 2 : 1;
  return inserted.size === group.length ? inserted : union(inserted, await present(writer, group));
}

/** One text, put together by concatenation alone: it is copied once, when the driver takes it. */
function rowsOf(group: readonly Append[]): string {
  let text = '';
  for (const append of group) text += `${text === '' ? '[' : ','}${rowOf(append)}`;
  return `${text}]`;
}

/**
 * JSON in the order that the statement reads. The events are JSON already and go in as they are: as text in text they
 * would be escaped here and unescaped there. Triggers on the log take the summary and the records apart.
 */
const rowOf = ({ xid, seq, append, appender, version, at, events, seen, summary, audit }: Append): string =>
  `${JSON.stringify([xid, seq, append, appender, version, at, seen, summary && summaryValues(summary)]).slice(0, -1)},${events}${audit ? `,${auditValues(audit)}` : ''}]`;

/** An append that did not go in may be there from an earlier try whose answer got lost: then it won, not lost. */
async function present(writer: Connection, group: readonly Append[]): Promise<ReadonlySet<AppendId>> {
  return ids(await writer.run('present', JSON.stringify(group.map(({ xid, seq, append }) => [xid, seq, append]))));
}

const ids = (rows: readonly Row[]): ReadonlySet<AppendId> => new Set(rows.map((row) => row.append as AppendId));

const union = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>): ReadonlySet<T> => new Set([...a, ...b]);

/** In the order of the trigger's columns. */
const summaryValues = (summary: Summary): readonly unknown[] => [
  summary.name,
  summary.businessKey,
  summary.openedAt,
  JSON.stringify(summary.participants),
  summary.status,
  summary.decision,
  summary.reason,
  summary.decidedAt,
  summary.deadlineAt,
  summary.finishedAt,
  summary.dueAt,
  summary.owner,
];
