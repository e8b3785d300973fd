import type { Event } from '../../coordinator/decide/events.js';
import type { AuditRow, LogRow } from '../../coordinator/store/store.js';
import type { Xid } from '../../sdk/protocol/ids.js';

/** I15: what operators did, as the logs have it, against the records. */
export function wrongAudit(logs: ReadonlyMap<Xid, readonly LogRow[]>, audit: readonly AuditRow[]): readonly string[] {
  const recorded = countsOf(audit.map(({ xid, by, action }) => `${xid} '${action}' by ${by}`));
  const done = countsOf([...logs].flatMap(([xid, rows]) => deedsIn(xid, rows)));
  const flaws: string[] = [];
  for (const deed of new Set([...recorded.keys(), ...done.keys()])) {
    const [inLog, inAudit] = [done.get(deed) ?? 0, recorded.get(deed) ?? 0];
    if (inLog !== inAudit) flaws.push(`I15 ${deed} is in the log ${inLog} times, and recorded ${inAudit} times`);
  }
  return flaws;
}

/** What one person resolves at once is one deed, however many branches it is. */
const deedsIn = (xid: Xid, rows: readonly LogRow[]): readonly string[] =>
  rows.flatMap(({ events }) => {
    const all = JSON.parse(events) as readonly Event[];
    const retried = all.flatMap((event) => (event.type === 'retried' ? [`${xid} 'retry' by ${event.by}`] : []));
    const resolved = all.flatMap((event) =>
      event.type === 'branch_resolved' ? [`${xid} 'resolve' by ${event.by}`] : [],
    );
    return [...retried, ...new Set(resolved)];
  });

function countsOf(deeds: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const deed of deeds) counts.set(deed, (counts.get(deed) ?? 0) + 1);
  return counts;
}
