/** Records of what operators did, as every store pages and reads them. */
import type { Xid } from '../../sdk/protocol/ids.js';
import { type Row, reader } from './rows.js';
import { type AuditEntry, type AuditFilter, type AuditPage, type AuditRow, StoreError } from './store.js';

/** The position that a page is before; beyond all of them on the first. */
export function beforeOf({ cursor }: AuditFilter): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const before = /^a[1-9]\d{0,14}$/.test(cursor) ? Number(cursor.slice(1)) : Number.NaN;
  if (!Number.isNaN(before)) return before;
  throw new StoreError('bad_cursor', 'expected a cursor as nextCursor gave it');
}

/** A page of what was found, which is one more than asked for when there is a next page. */
export function auditPageOf(found: readonly AuditRow[], limit: number): AuditPage {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: found.length > limit && last ? `a${last.position}` : null };
}

/** As JSON in the order of the table's columns. */
export const auditValues = (entries: readonly AuditEntry[]): string =>
  JSON.stringify(
    entries.map(({ at, by, role, action, xid, participant, detail, requestId }) => [
      at,
      by,
      role,
      action,
      xid,
      participant,
      detail,
      requestId,
    ]),
  );

export function toAuditRow(row: Row): AuditRow {
  const read = reader(row, `record ${String(row.position)} of the audit`);
  return {
    position: read.integer('position'),
    at: read.integer('at'),
    by: read.text('by_key'),
    role: read.text('role'),
    action: read.text('action'),
    xid: read.nullable('xid', read.text) as Xid | null,
    participant: read.nullable('participant', read.text),
    detail: read.text('detail'),
    requestId: read.nullable('request_id', read.text),
  };
}
