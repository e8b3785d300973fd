/** A verdict, to be read by a person. */
import type { Verdict } from './checker.js';

const violationsShown = 10;

export function* linesOf(verdict: Verdict): Iterable<string> {
  const { head, records, transactions, effects, statuses, violations, violationsTotal, anomalies } = verdict;
  const ends = [...statuses].map(([status, count]) => `${count} ${status}`).join(', ');
  yield `${head.of ?? 'a history'}: ${records} records, ${transactions} transactions (${ends}), ${effects} effects`;
  for (const { anomaly, kinds, count, isDeclared, story } of anomalies) {
    yield `${isDeclared ? 'declared' : 'NOT DECLARED'}  ${anomaly} of ${kinds}: ${count}, for one:`;
    for (const line of story) yield `    ${line}`;
  }
  for (const { invariant, xid, what, steps } of violations.slice(0, violationsShown)) {
    yield `BROKEN  ${invariant}${xid === undefined ? '' : ` ${xid}`}: ${what}`;
    for (const step of steps) yield `    ${step}`;
  }
  if (violationsTotal > violationsShown) yield `and ${violationsTotal - violationsShown} more`;
  yield violationsTotal === 0 ? 'every invariant holds' : `${violationsTotal} violations`;
}
