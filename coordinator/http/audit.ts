import { planted } from '#faults';
import { auditQuery } from '../../sdk/protocol/schemas.js';
import type { AuditView } from '../../sdk/protocol/views.js';
import type { AuditEntry, AuditRow } from '../store/store.js';
import { readQuery } from './query.js';
import type { Answer, Call, Rooms } from './route.js';
import { iso } from './views.js';

const limitDefault = 50;

/** What operators did, newest first. */
export async function listAudit({ store }: Rooms, call: Call): Promise<Answer> {
  const { limit = limitDefault, ...filter } = readQuery(auditQuery, call.query);
  const { items, nextCursor } = await store.audit({ ...filter, limit });
  return { status: 200, body: { items: items.map(auditView), nextCursor } };
}

interface Deed {
  readonly participant: string;
  readonly action: string;
  readonly detail: object;
}

/** The record of what a call does to a participant; goes into the commit that does it. */
export function recordOf(
  { by, role, requestId }: Call,
  { participant, action, detail }: Deed,
  now: number,
): AuditEntry | undefined {
  if (planted('act-without-a-record')) return undefined;
  return { at: now, by, role, action, xid: null, participant, detail: JSON.stringify(detail), requestId };
}

const auditView = ({ at, detail, ...row }: AuditRow): AuditView => ({
  ...row,
  at: iso(at),
  detail: JSON.parse(detail),
});
