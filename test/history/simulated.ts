/** A simulated history as records, in the order that a `dumped` one has: so that one checker does for all. */
import type { Circumstances } from '../simulation/checker.js';
import type { History } from '../simulation/history.js';
import { HistoryChecker } from './checker.js';
import type { HistoryRecord } from './records.js';

export function* recordsOf(history: History, circumstances: Circumstances): Iterable<HistoryRecord> {
  const { logs, effects, won, told, repeats, deeds, phantoms, before, after } = history;
  const { markers, clocksJumped } = circumstances;
  yield { t: 'history', version: 1, order: 'dumped', of: 'simulation', clocksJumped };
  for (const [cell, amount] of before) yield { t: 'cell', cell, when: 'before', amount };
  for (const rows of logs.values()) for (const row of rows) yield { t: 'row', ...row };
  for (const effect of effects) yield { t: 'effect', ...effect };
  for (const each of won) yield { t: 'won', ...each };
  for (const each of told) if (phantoms.has(each.append)) yield { t: 'phantom', append: each.append };
  for (const each of told) yield { t: 'told', ...each };
  for (const each of repeats) yield { t: 'repeat', ...each };
  for (const each of deeds) yield { t: 'deed', ...each };
  for (const [xid, decision] of markers) yield { t: 'marker', xid, decision };
  for (const [cell, amount] of after) yield { t: 'cell', cell, when: 'after', amount };
  yield* seenBy(history, circumstances);
}

/** What witnesses saw; each begins with the invariant that it breaks. */
function* seenBy({ sent, seen }: History, circumstances: Circumstances): Iterable<HistoryRecord> {
  const { unsettled, databaseClockJumped } = circumstances;
  for (const what of databaseClockJumped ? seen : [...sent, ...seen])
    yield { t: 'wrong', invariant: what.split(' ', 1)[0] ?? '', what };
  for (const xid of unsettled) yield { t: 'wrong', invariant: 'I10', xid, what: 'neither final nor parked in time' };
}

/** What is wrong with it, as `invariant what`. */
export function simulatedWrong(history: History, circumstances: Circumstances): readonly string[] {
  const checker = new HistoryChecker();
  for (const record of recordsOf(history, circumstances)) checker.feed(record);
  return checker.verdict().violations.map(({ invariant, what }) => `${invariant} ${what}`);
}
