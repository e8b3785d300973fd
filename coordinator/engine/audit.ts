/** What operators did, as the store records it beside the row that does it (I15). */
import { planted } from '#faults';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Event } from '../decide/events.js';
import type { Input, Resolution } from '../decide/inputs.js';
import type { AuditEntry } from '../store/store.js';
import type { Asker } from './entry.js';

/** Who comes without a key: where none is needed, and from within this process. */
const keyless: readonly string[] = ['anonymous', 'embedded'];

/** So many characters of reasons are repeated in a record; the log has all of them. */
const detailMax = 16 * 1024;

/**
 * The record of an input that had these events; undefined when no operator did it. Retry and resolve are operators' by
 * their nature. Decisions are the initiator's own, unless they were made with an operator's key.
 */
export function auditOf(
  xid: Xid,
  input: Input,
  asker: Asker | undefined,
  events: readonly Event[],
  at: number,
): AuditEntry | undefined {
  const done = actionOf(input, asker, events);
  if (!done || planted('act-without-a-record')) return undefined;
  const by = input.type === 'retry' || input.type === 'resolve' ? input.by : (asker?.by ?? 'anonymous');
  const detail = JSON.stringify(done.detail);
  const { role = 'operator', requestId = null } = asker ?? {};
  return { at, by, role, action: done.action, xid, participant: null, detail, requestId };
}

interface Done {
  readonly action: string;
  readonly detail: object;
}

function actionOf(input: Input, asker: Asker | undefined, events: readonly Event[]): Done | undefined {
  switch (input.type) {
    case 'retry':
      return { action: 'retry', detail: {} };
    case 'resolve':
      return resolved(input.branches, events);
    case 'commit':
      return isOperator(asker) ? { action: 'commit', detail: {} } : undefined;
    case 'rollback':
    case 'rollback_only':
      return isOperator(asker) ? { action: input.type, detail: { reason: input.reason } } : undefined;
    default:
      return undefined;
  }
}

/** Without keys nobody can be told from anybody else. */
const isOperator = (asker: Asker | undefined): boolean =>
  asker !== undefined && (asker.role === 'operator' || asker.role === 'admin') && !keyless.includes(asker.by);

function resolved(branches: readonly Resolution[], events: readonly Event[]): Done {
  const [first] = events;
  const proposedBy = first?.type === 'branch_resolved' ? first.proposedBy : undefined;
  return {
    action: first?.type === 'resolution_proposed' ? 'propose_resolve' : 'resolve',
    detail: { ...shortened(branches), ...(proposedBy !== undefined && { proposedBy }) },
  };
}

/** Without outputs, which are payload. */
function shortened(branches: readonly Resolution[]) {
  const shown: Omit<Resolution, 'output'>[] = [];
  let left = detailMax;
  for (const { branch, as, reason } of branches) {
    left -= reason.length + 64;
    if (left < 0 && shown.length > 0) break;
    shown.push({ branch, as, reason });
  }
  return shown.length < branches.length
    ? { branches: shown, more: branches.length - shown.length }
    : { branches: shown };
}
