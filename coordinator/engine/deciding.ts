import { planted } from '#faults';
import type { Xid } from '../../sdk/protocol/ids.js';
import { decide } from '../decide/decide.js';
import type { Event } from '../decide/events.js';
import { foldRow, type Row } from '../decide/fold.js';
import type { Moment, Verdict } from '../decide/inputs.js';
import type { State } from '../decide/state.js';
import { type AuditEntry, type LogRow, StoreError } from '../store/store.js';
import { auditOf } from './audit.js';
import type { Waiting } from './entry.js';

export interface Decisions {
  /** The state if the events are appended; undefined while there is no transaction. */
  readonly state: State | undefined;
  readonly events: readonly Event[];
  /** One for each input. */
  readonly verdicts: readonly Verdict[];
  /** What operators do by these events; undefined of nothing. */
  readonly audit: readonly AuditEntry[] | undefined;
}

/** Decides inputs one upon the other, as one row. */
export function decideAll(xid: Xid, state: State | undefined, batch: readonly Waiting[], moment: Moment): Decisions {
  const seq = (state?.seq ?? 0) + 1;
  let now = state;
  const verdicts: Verdict[] = [];
  const events: Event[] = [];
  let audit: AuditEntry[] | undefined;
  for (const { input, asker } of batch) {
    const decided = decide(xid, now, input, moment, seq);
    verdicts.push(decided.verdict);
    if (decided.verdict.kind !== 'append') continue;
    for (const event of decided.verdict.events) events.push(event);
    now = decided.state;
    const record = auditOf(xid, input, asker, decided.verdict.events, moment.now);
    if (record) audit = [...(audit ?? []), record];
  }
  return { state: now, events, verdicts, audit };
}

/**
 * The state that a whole log leads to; undefined of an empty one. Where the log goes on from a state that is known, only
 * what came after it is folded. Throws StoreError `corrupt` when it does not fold.
 */
export function foldLog(rows: readonly LogRow[], known?: State): State | undefined {
  // Append ids are drawn anew for each try: the same one in the same place means the same log up to there.
  let state = known && rows[known.seq - 1]?.append === known.append ? known : undefined;
  try {
    const inOrder = planted('order-by-time') ? [...rows].sort((one, other) => one.at - other.at) : rows;
    for (let at = state?.seq ?? 0; at < rows.length; at++) state = foldRow(state, parsed(inOrder[at] as LogRow));
  } catch (error) {
    throw new StoreError('corrupt', `a log that does not fold: ${(error as Error).message}`, error);
  }
  return state;
}

const parsed = (row: LogRow): Row => ({ ...row, events: JSON.parse(row.events) as readonly Event[] });
