/** I2, I4, I11 and what I14 says of adoption: a log is folded row by row and event by event. */
import { applyEvent, asOf, type Row } from '../../coordinator/decide/fold.js';
import { openDeadline, outstanding } from '../../coordinator/decide/outstanding.js';
import { phaseOfState, type State } from '../../coordinator/decide/state.js';
import { whyIllegal } from '../decide/legal-event.js';
import type { Report, RowRecord } from './records.js';
import type { Trail } from './trail.js';

/** Folds one more row into its trail. `transitions` gets each `phase event` of the machine that was reached. */
export function foldInto(trail: Trail, record: RowRecord, transitions: Set<string>, report: Report): void {
  trail.rows.push(record);
  if (trail.isBroken) return;
  const expected = (trail.state?.seq ?? 0) + 1;
  if (record.seq !== expected) {
    trail.isBroken = true;
    report('I11', trail.xid, `row ${record.seq} is in place ${expected}`);
    return;
  }
  try {
    foldRow(trail, parsed(record), transitions, report);
  } catch (error) {
    trail.isBroken = true;
    report('I11', trail.xid, `row ${record.seq} does not fold: ${error instanceof Error ? error.message : error}`);
  }
}

function parsed({ xid, seq, append, appender, at, events }: RowRecord): Row {
  const list = typeof events === 'string' ? JSON.parse(events) : events;
  return {
    xid: xid as Row['xid'],
    seq,
    append: append as Row['append'],
    appender: appender as Row['appender'],
    at,
    events: list,
  };
}

function foldRow(trail: Trail, row: Row, transitions: Set<string>, report: Report): void {
  let { state } = trail;
  if (state) checkAdoption(state, row, report);
  for (const event of row.events) {
    const why = whyIllegal(state, event, row);
    if (why) report(event.type === 'decided' ? 'I2' : 'I11', trail.xid, `row ${row.seq}, ${event.type}: ${why}`);
    transitions.add(`${phaseOfState(state)} ${event.type}`);
    if (event.type === 'branch_parked') trail.parked = (trail.parked ?? new Set()).add(event.branch);
    if ('by' in event) {
      trail.deeds ??= new Map();
      trail.deeds.set(event.by, (trail.deeds.get(event.by) ?? 0) + 1);
    }
    const before = state?.decision;
    state = applyEvent(state, event, row);
    if (before && state.decision !== before)
      report('I2', trail.xid, `row ${row.seq}: ${before} became ${state.decision}`);
  }
  if (!state) return;
  trail.state = asOf(state, row);
  checkLive(trail.state, report);
}

/** What a dead coordinator may have had in flight counts as an attempt. */
function checkAdoption(before: State, row: Row, report: Report): void {
  const adopted = row.events.find((event) => event.type === 'adopted');
  if (!adopted) return;
  const counted = new Set(row.events.flatMap((event) => ('branch' in event ? [event.branch] : [])));
  for (const { branch, work } of outstanding(before))
    if (branch > 0 && work.by === adopted.from && work.dueAt <= row.at && !counted.has(branch))
      report(
        'I14',
        row.xid,
        `row ${row.seq}: ${branch}.${work.op} of ${adopted.from} may have been in flight and is not counted`,
      );
}

/** After every row something is outstanding or due, or it is over, or parked. */
function checkLive(state: State, report: Report): void {
  if (state.ended || state.parked) return;
  if (outstanding(state).length > 0 || openDeadline(state) !== null) return;
  report('I4', state.xid, `row ${state.seq}: it is ${phaseOfState(state)}, and nothing is outstanding or due`);
}
