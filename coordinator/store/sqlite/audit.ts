import { auditValues } from '../audit.js';
import type { AuditEntry } from '../store.js';
import type { Connection } from './connection.js';

export async function recordEntry(writer: Connection, entry: AuditEntry): Promise<void> {
  await writer.run('record', auditValues([entry]));
}
