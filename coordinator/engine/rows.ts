import { reach } from '#faults';
import type { AppendId, Xid } from '../../sdk/protocol/ids.js';
import type { Summary } from '../../sdk/protocol/summary.js';
import type { Event } from '../decide/events.js';
import { eventsVersion } from '../decide/events.js';
import type { Row } from '../decide/fold.js';
import type { Moment } from '../decide/inputs.js';
import type { State } from '../decide/state.js';
import { isWorthWriting, summarize } from '../decide/summary.js';
import type { Failpoint } from '../faults/faults.js';
import type { Append, AuditEntry } from '../store/store.js';

/** The next row of a log: what was decided upon `state`. */
export const rowFrom = (
  xid: Xid,
  state: State | undefined,
  events: readonly Event[],
  moment: Moment,
  id: string,
): Row => ({
  xid,
  seq: (state?.seq ?? 0) + 1,
  append: id as AppendId,
  appender: moment.me,
  at: moment.now,
  events,
});

/** The summary of a state as its last row left it. */
export const summaryOf = (state: State): Summary => summarize(state, state.owner, state.at);

/** A row as the store takes it, with the summary where lists, deadlines or recovery would notice. */
export function appendOf(
  row: Row,
  seen: AppendId | null,
  earlier: Summary | undefined,
  summary: Summary,
  audit?: readonly AuditEntry[],
): Append {
  return {
    xid: row.xid,
    seq: row.seq,
    append: row.append,
    appender: row.appender,
    version: eventsVersion,
    at: row.at,
    events: JSON.stringify(row.events),
    seen,
    summary: isWorthWriting(earlier, summary) ? summary : null,
    ...(audit && { audit }),
  };
}

type Points = { readonly [Type in Event['type']]?: Failpoint } & { readonly result: Failpoint };

/** What a row is, for tests that stop the process around it. */
const before: Points = {
  opened: 'before-open-append',
  adopted: 'before-adopt-append',
  decided: 'before-decision-append',
  ended: 'before-end-append',
  result: 'before-result-append',
};
const after: Points = {
  opened: 'after-open-append',
  adopted: 'after-adopt-append',
  decided: 'after-decision-append',
  ended: 'after-end-append',
  result: 'after-result-append',
};

function reachFor(points: Points, events: readonly Event[]): void {
  let named = false;
  for (const { type } of events) {
    const point = points[type];
    if (!point) continue;
    named = true;
    reach(point);
  }
  if (!named) reach(points.result);
}

export const reachBefore = (events: readonly Event[]): void => reachFor(before, events);
export const reachAfter = (events: readonly Event[]): void => reachFor(after, events);
