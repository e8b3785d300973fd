import type { AuditEntry } from '../store.js';
import type { Run } from './connection.js';

export async function recordEntry(run: Run, entry: AuditEntry): Promise<void> {
  await run('record', JSON.stringify([auditRecord(entry)]));
}

/** By the names of the table's columns. */
export const auditRecord = ({ by, requestId, at, role, action, xid, participant, detail }: AuditEntry): object => ({
  ...{ at, by_key: by, role, action, xid, participant, detail },
  request_id: requestId,
});
