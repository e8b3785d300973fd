import { toParticipant } from '../participants.js';
import type { Row } from '../rows.js';
import type { AuditEntry, ParticipantChange, ParticipantRow } from '../store.js';
import { auditRecord } from './audit.js';
import type { Connection } from './connection.js';

/** Changes of one participant one after another: what is recorded is what made a difference. */
export async function changeParticipant(
  connection: Connection,
  change: ParticipantChange,
  audit?: AuditEntry,
): Promise<ParticipantRow> {
  const { name, concurrency, perSecond, paused } = change;
  const rows = await connection.inTurn(
    `participant ${name}`,
    'changeParticipant',
    name,
    concurrency !== undefined,
    concurrency ?? null,
    perSecond !== undefined,
    perSecond ?? null,
    paused === undefined ? null : Number(paused),
    JSON.stringify(audit ? [auditRecord(audit)] : []),
  );
  return toParticipant(rows[0] as Row);
}
