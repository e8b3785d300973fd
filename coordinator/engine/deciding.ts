import type { Xid } from '../../sdk/protocol/ids.js';
import { decide } from '../decide/decide.js';
import type { Event } from '../decide/events.js';
import { foldRow } from '../decide/fold.js';
import type { Moment, Verdict } from '../decide/inputs.js';
import type { State } from '../decide/state.js';
import { type LogRow, StoreError } from '../store/store.js';
import type { Waiting } from './entry.js';

export interface Decisions {
  /** The state if the events are appended; undefined while there is no transaction. */
  readonly state: State | undefined;
  readonly events: readonly Event[];
  /** One for each input. */
  readonly verdicts: readonly Verdict[];
}

/** Decides inputs one upon the other, as one row. */
export function decideAll(xid: Xid, state: State | undefined, batch: readonly Waiting[], moment: Moment): Decisions {
  const seq = (state?.seq ?? 0) + 1;
  let now = state;
  const verdicts: Verdict[] = [];
  const events: Event[] = [];
  for (const { input } of batch) {
    const decided = decide(xid, now, input, moment, seq);
    verdicts.push(decided.verdict);
    if (decided.verdict.kind !== 'append') continue;
    for (const event of decided.verdict.events) events.push(event);
    now = decided.state;
  }
  return { state: now, events, verdicts };
}

/** The state that a whole log leads to; undefined of an empty one. Throws StoreError `corrupt` when it does not fold. */
export function foldLog(rows: readonly LogRow[]): State | undefined {
  let state: State | undefined;
  try {
    for (const row of rows) state = foldRow(state, { ...row, events: JSON.parse(row.events) as readonly Event[] });
  } catch (error) {
    throw new StoreError('corrupt', `a log that does not fold: ${(error as Error).message}`, error);
  }
  return state;
}
