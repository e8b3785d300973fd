import type { Knex } from 'knex';
import { auditPageOf, auditValues, beforeOf, toAuditRow } from '../audit.js';
import type { Row } from '../rows.js';
import type { AuditEntry, AuditFilter, AuditPage } from '../store.js';
import type { Connection } from './connection.js';

export async function recordEntry(writer: Connection, entry: AuditEntry): Promise<void> {
  await writer.run('record', auditValues([entry]));
}

export async function readAudit(db: Knex, filter: AuditFilter): Promise<AuditPage> {
  const { xid, by, participant, limit } = filter;
  const query = db<Row, Row[]>('audit').where('position', '<', beforeOf(filter));
  if (xid !== undefined) query.where('xid', xid);
  if (by !== undefined) query.where('by_key', by);
  if (participant !== undefined) query.where('participant', participant);
  const rows: readonly Row[] = await query.orderBy('position', 'desc').limit(limit + 1);
  return auditPageOf(rows.map(toAuditRow), limit);
}
