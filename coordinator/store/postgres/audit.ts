import type { Knex } from 'knex';
import { auditPageOf, beforeOf, toAuditRow } from '../audit.js';
import type { Row } from '../rows.js';
import type { AuditEntry, AuditFilter, AuditPage } from '../store.js';
import type { Run } from './connection.js';
import { schema } from './statements.js';

export async function recordEntry(run: Run, entry: AuditEntry): Promise<void> {
  await run('record', JSON.stringify([auditRecord(entry)]));
}

export async function readAudit(db: Knex, filter: AuditFilter): Promise<AuditPage> {
  const { xid, by, participant, limit } = filter;
  const query = db.withSchema(schema).from<Row, Row[]>('audit').where('position', '<', beforeOf(filter));
  if (xid !== undefined) query.where('xid', xid);
  if (by !== undefined) query.where('by_key', by);
  if (participant !== undefined) query.where('participant', participant);
  const rows: readonly Row[] = await query.orderBy('position', 'desc').limit(limit + 1);
  return auditPageOf(rows.map(toAuditRow), limit);
}

/** By the names of the table's columns. */
export const auditRecord = ({ by, requestId, at, role, action, xid, participant, detail }: AuditEntry): object => ({
  ...{ at, by_key: by, role, action, xid, participant, detail },
  request_id: requestId,
});
