import { auditValues } from '../audit.js';
import { toParticipant } from '../participants.js';
import type { Row } from '../rows.js';
import type { AuditEntry, ParticipantChange, ParticipantRow } from '../store.js';
import type { Connection } from './connection.js';

export async function changeParticipant(
  writer: Connection,
  change: ParticipantChange,
  audit?: AuditEntry,
): Promise<ParticipantRow> {
  const { name, concurrency, perSecond, paused } = change;
  const rows = await writer.run(
    'changeParticipant',
    name,
    isSaid(concurrency),
    concurrency ?? null,
    isSaid(perSecond),
    perSecond ?? null,
    paused === undefined ? null : Number(paused),
    audit ? auditValues([audit]) : null,
  );
  return toParticipant(rows[0] as Row);
}

const isSaid = (value: unknown): number => Number(value !== undefined);
