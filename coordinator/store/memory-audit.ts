import { auditPageOf, beforeOf } from './audit.js';
import type { AuditEntry, AuditFilter, AuditPage, AuditRow } from './store.js';

/** Records where the twins of the SQL stores keep them. */
export function recordIn(audit: AuditRow[], entries: readonly AuditEntry[]): void {
  for (const entry of entries) audit.push({ position: audit.length + 1, ...entry });
}

export function auditPage(audit: readonly AuditRow[], filter: AuditFilter): AuditPage {
  const { xid, by, participant, limit } = filter;
  const before = beforeOf(filter);
  const found = audit.filter(
    (row) =>
      row.position < before &&
      (xid === undefined || row.xid === xid) &&
      (by === undefined || row.by === by) &&
      (participant === undefined || row.participant === participant),
  );
  return auditPageOf(found.reverse(), limit);
}
