import { planted, reach } from '#faults';
import type { AppendId } from '../../../sdk/protocol/ids.js';
import type { Summary } from '../../../sdk/protocol/summary.js';
import type { Counters } from '../gate.js';
import type { GroupWriter } from '../group.js';
import type { Row } from '../rows.js';
import type { Append } from '../store.js';
import { auditRecord } from './audit.js';
import type { Connection } from './connection.js';
import { verdictOf } from './errors.js';
import { toText } from './text.js';

/**
 * Group commit on PostgreSQL: on a connection of its own, one statement that is a transaction by itself. After a lost
 * answer the next statement goes out on a fresh connection. Should the lost one still be at work, it holds its places: the
 * second waits for it there.
 */
export function postgresWriter(writer: Connection, counters: Counters): GroupWriter {
  return {
    commit: (group) => commit(writer, counters, group),
    present: (group) => present(writer, counters, group),
    verdict: verdictOf,
  };
}

async function commit(
  writer: Connection,
  counters: Counters,
  group: readonly Append[],
): Promise<ReadonlySet<AppendId>> {
  const statement = planted('append-without-predecessor-check') ? 'appendUnchecked' : 'append';
  const values = valuesOf(group);
  reach('before-commit');
  counters.statements++;
  const inserted = ids(await writer.run(statement, ...values));
  reach('after-commit');
  for (const { append, summary } of group) if (inserted.has(append)) counters.rowsWritten += summary ? 2 : 1;
  return inserted.size === group.length ? inserted : union(inserted, await present(writer, counters, group));
}

/** In the order of the statement's values. The events go by themselves: they may hold what a JSON value may not. */
function valuesOf(group: readonly Append[]): readonly unknown[] {
  const rows: object[] = [];
  const events: string[] = [];
  const summaries: object[] = [];
  const records: object[] = [];
  for (const { xid, seq, append, appender, version, at, seen, events: text, summary, audit } of group) {
    rows.push({ xid, seq, append, appender, version, at, seen });
    events.push(text);
    if (summary) summaries.push(summaryOf(append, summary));
    if (audit) for (const entry of audit) records.push({ append, ...auditRecord(entry) });
  }
  return [JSON.stringify(rows), events, JSON.stringify(summaries), JSON.stringify(records)];
}

/** An append that did not go in may be there from an earlier try whose answer got lost: then it won, not lost. */
async function present(
  writer: Connection,
  counters: Counters,
  group: readonly Append[],
): Promise<ReadonlySet<AppendId>> {
  counters.statements++;
  return ids(await writer.run('present', JSON.stringify(group.map(({ xid, seq, append }) => ({ xid, seq, append })))));
}

const ids = (rows: readonly Row[]): ReadonlySet<AppendId> => new Set(rows.map((row) => row.append as AppendId));

const union = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>): ReadonlySet<T> => new Set([...a, ...b]);

const summaryOf = (append: AppendId, summary: Summary): object => ({
  append,
  name: toText(summary.name),
  business_key: summary.businessKey === null ? null : toText(summary.businessKey),
  participants: JSON.stringify(summary.participants),
  status: summary.status,
  decision: summary.decision,
  reason: summary.reason === null ? null : toText(summary.reason),
  opened_at: summary.openedAt,
  decided_at: summary.decidedAt,
  deadline_at: summary.deadlineAt,
  finished_at: summary.finishedAt,
  due_at: summary.dueAt,
  owner: summary.owner,
});
