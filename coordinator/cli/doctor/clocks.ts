import { span } from '../times.js';
import { type About, type Finding, ok, problem, warning } from './finding.js';

/** A signature holds for five minutes; leases and deadlines are counted in seconds. */
const offMs = { problem: 4 * 60_000, warning: 5000 };

/** What a clock that differs does. */
export function clockOf(about: About, whose: string, aheadMs: number | null): readonly Finding[] {
  if (aheadMs === null) return [];
  const off = Math.abs(aheadMs);
  const text = `the clock of ${whose} is ${span(off)} ${aheadMs > 0 ? 'ahead of' : 'behind'} this one`;
  const mend = 'set both clocks by NTP: signatures of commands are refused when clocks are five minutes apart';
  if (off >= offMs.problem) return [problem(about, text, mend)];
  return off >= offMs.warning
    ? [warning(about, text, mend)]
    : [ok(about, `the clock of ${whose} agrees with this one`)];
}
