/**
 * Checks a history against the invariants of the design, in time linear in its length: the log by folding it, the effects by
 * the log, what was told by both.
 */
import { applyEvent, type Row } from '../../coordinator/decide/fold.js';
import { openDeadline, outstanding } from '../../coordinator/decide/outstanding.js';
import { phaseOfState, type State, statusOf } from '../../coordinator/decide/state.js';
import type { LogRow } from '../../coordinator/store/store.js';
import type { AppendId, Xid } from '../../sdk/protocol/ids.js';
import type { Decision } from '../../sdk/protocol/views.js';
import { whyIllegal } from '../decide/legal-event.js';
import { wrongEffects } from '../engine/invariants.js';
import { wrongBooks } from './books.js';
import { wrongHearsay } from './hearsay.js';
import type { Effect, Folded, History, Violation } from './history.js';

export interface Circumstances {
  /** Transactions that were neither final nor parked in time. */
  readonly unsettled: readonly string[];
  /** What the initiators' own work came to, where they are asked. */
  readonly markers: ReadonlyMap<Xid, Decision>;
  /** The database's clock was set: a call may have been given more time than the log says (F4: at worst work repeats). */
  readonly databaseClockJumped: boolean;
  /** A participant's clock was wrong: commands that are over may be begun there. */
  readonly clocksJumped: boolean;
}

export interface Findings {
  readonly violations: readonly Violation[];
  readonly transitions: ReadonlySet<string>;
  /** How many transactions ended how. */
  readonly statuses: ReadonlyMap<string, number>;
}

type Report = (invariant: string, xid: Xid | undefined, what: string) => void;

export function check(history: History, circumstances: Circumstances): Findings {
  const found: { invariant: string; xid: Xid | undefined; what: string }[] = [];
  const report: Report = (invariant, xid, what) => void found.push({ invariant, xid, what });
  const transitions = new Set<string>();
  const statuses = new Map<string, number>();
  const effects = byXid(history.effects);
  const folded = new Map<Xid, Folded>();
  for (const [xid, rows] of history.logs) {
    const one = fold(xid, rows, effects.get(xid) ?? [], transitions, report);
    if (!one) continue;
    folded.set(xid, one);
    const status = statusOf(one.state);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    checkEffects(one, circumstances, report);
  }
  for (const xid of effects.keys()) if (!folded.has(xid)) report('I3', xid, 'there are effects, and no log');
  checkDurable(history, report);
  checkEnds(history, folded, circumstances, report);
  checkTold(history, folded, report);
  checkDeeds(history, folded, report);
  for (const flaw of wrongHearsay(history, folded)) report('I12', flaw.xid, flaw.what);
  for (const flaw of wrongBooks(history, folded)) report('I9', flaw.xid, flaw.what);
  for (const flaw of circumstances.databaseClockJumped ? [] : history.sent)
    report(flaw.split(' ', 1)[0] ?? '', undefined, flaw);
  for (const flaw of history.seen) report(flaw.split(' ', 1)[0] ?? '', undefined, flaw);
  for (const xid of circumstances.unsettled) report('I10', xid as Xid, 'neither final nor parked in time');
  return {
    violations: found.map((flaw) => ({ ...flaw, steps: storyOf(flaw.xid && folded.get(flaw.xid)) })),
    transitions,
    statuses,
  };
}

function byXid(effects: readonly Effect[]): ReadonlyMap<Xid, readonly Effect[]> {
  const all = new Map<Xid, Effect[]>();
  for (const effect of effects) {
    const of = all.get(effect.xid);
    if (of) of.push(effect);
    else all.set(effect.xid, [effect]);
  }
  return all;
}

/** I2, I4, I11: folds a log event by event. */
function fold(
  xid: Xid,
  rows: readonly LogRow[],
  effects: readonly Effect[],
  transitions: Set<string>,
  report: Report,
): Folded | undefined {
  let state: State | undefined;
  let decision: Decision | null = null;
  const deeds = new Map<string, number>();
  const parked = new Set<number>();
  for (let index = 0; index < rows.length; index++) {
    const stored = rows[index];
    if (stored?.seq !== index + 1) {
      report('I11', xid, `row ${stored?.seq ?? 'missing'} is in place ${index + 1}`);
      return undefined;
    }
    const row: Row = { ...stored, events: JSON.parse(stored.events) };
    checkAdoption(xid, state, row, report);
    for (const event of row.events) {
      const why = whyIllegal(state, event, row);
      if (why) report('I11', xid, `seq ${row.seq}, ${event.type}: ${why}`);
      transitions.add(`${phaseOfState(state)} ${event.type}`);
      if (event.type === 'branch_parked') parked.add(event.branch);
      if ('by' in event) deeds.set(event.by, (deeds.get(event.by) ?? 0) + 1);
      try {
        state = applyEvent(state, event, row);
      } catch (error) {
        report('I11', xid, `seq ${row.seq}, ${event.type} does not fold: ${(error as Error).message}`);
        return undefined;
      }
      if (decision && state.decision !== decision)
        report('I2', xid, `seq ${row.seq}: ${decision} became ${state.decision}`);
      decision = state.decision;
    }
    if (!state) continue;
    state = { ...state, seq: row.seq, append: row.append, owner: row.appender, at: row.at };
    checkLive(xid, state, report);
  }
  return state && { state, rows, effects, deeds, parked };
}

/** I14, Q10: what a dead coordinator may have had in flight counts as an attempt. */
function checkAdoption(xid: Xid, before: State | undefined, row: Row, report: Report): void {
  const from = row.events.find((event) => event.type === 'adopted')?.from;
  if (!before || !from) return;
  const counted = row.events.flatMap((event) => ('branch' in event ? [event.branch] : []));
  for (const { branch, work } of outstanding(before))
    if (branch > 0 && work.by === from && work.dueAt <= row.at && !counted.includes(branch))
      report('I14', xid, `seq ${row.seq}: ${branch}.${work.op} of ${from} may have been in flight and is not counted`);
}

/** I4: after every row something is outstanding or due, or it is over, or parked. */
function checkLive(xid: Xid, state: State, report: Report): void {
  if (state.ended || state.parked) return;
  const isMoving = outstanding(state).length > 0 || openDeadline(state) !== null;
  if (!isMoving) report('I4', xid, `seq ${state.seq}: it is ${phaseOfState(state)}, and nothing is outstanding or due`);
}

/** I1, I2, I5, I7, I8 of one transaction, by its ledger. */
function checkEffects(
  { state, effects, parked }: Folded,
  { markers, clocksJumped }: Circumstances,
  report: Report,
): void {
  const { xid } = state;
  for (const flaw of wrongEffects(
    state,
    effects.map(({ branch, op }) => `${branch}.${op}`),
  )) {
    // Past its time a command may still be begun where the clock is wrong, and a person may have decided meanwhile.
    if (state.byHand && clocksJumped) continue;
    const heldBackBy = /^I8 .* before (\d+)/.exec(flaw)?.[1];
    if (heldBackBy && parked.has(Number(heldBackBy))) continue;
    report(flaw.split(/[ :]/, 1)[0] ?? '', xid, flaw);
  }
  if (state.decision === 'commit' && state.rollbackOnly === null)
    for (const { branch, isMarked } of effects)
      if (isMarked) report('I3', xid, `branch ${branch} marked it rollback-only, and nobody knows`);
  const marker = markers.get(xid);
  if (state.onTimeout !== 'ask' || !state.decision) return;
  if (state.decision === 'rollback' && marker !== 'rollback')
    report('I2', xid, `rollback is decided, and the initiator's own work is ${marker ?? 'open'}`);
  if (state.decision === 'commit' && state.drivenBy === 'initiator' && marker !== 'commit')
    report('I2', xid, `commit is decided, and the initiator's own work is ${marker ?? 'open'}`);
}

/** I3: every row that a store called durable is there. */
function checkDurable({ won, logs }: History, report: Report): void {
  for (const { xid, seq, append } of won) {
    const there = logs.get(xid)?.[seq - 1]?.append;
    if (there !== append) report('I3', xid, `row ${seq} was durable as ${append}, is ${there ?? 'gone'}`);
  }
}

/** I6: no effect after the end. */
function checkEnds(
  { won }: History,
  folded: ReadonlyMap<Xid, Folded>,
  { clocksJumped }: Circumstances,
  report: Report,
): void {
  for (const { xid, order, ends } of won) {
    const one = ends ? folded.get(xid) : undefined;
    if (!one || (one.state.byHand && clocksJumped)) continue;
    for (const effect of one.effects) {
      // A job that asked for time ends when it does, whatever a person decides meanwhile.
      const isJob = one.state.byHand && effect.participant === 'provider' && effect.op === 'action';
      if (effect.order > order && !isJob) report('I6', xid, `${effect.branch}.${effect.op} took effect after the end`);
    }
  }
}

/** I3, I12: what was told holds for ever, and a request that was made before is answered alike. */
function checkTold({ told, repeats, logs, phantoms }: History, folded: ReadonlyMap<Xid, Folded>, report: Report): void {
  for (const { xid, by, asked, seq, append, decision, status, changed } of told) {
    if (!changed && phantoms.has(append)) continue;
    const one = folded.get(xid);
    const there: AppendId | undefined = logs.get(xid)?.[seq - 1]?.append;
    if (there !== append) report('I3', xid, `${by} was answered to '${asked}' upon row ${seq}, which is not there`);
    if (!one) continue;
    if (decision && one.state.decision !== decision)
      report('I2', xid, `${by} was told ${decision}, and it is ${one.state.decision}`);
    const wasFinal = status === 'committed' || status === 'rolled_back' || status === 'resolved';
    if (wasFinal && statusOf(one.state) !== status)
      report('I2', xid, `${by} was told ${status}, and it is ${statusOf(one.state)}`);
  }
  for (const { xid, asked, isSame, got } of repeats) {
    const expected = isSame ? ['answered'] : ['xid_conflict'];
    if (![...expected, 'nothing', 'store_unavailable', 'too_large', 'internal', 'stopping'].includes(got))
      report('I12', xid, `'${asked}' ${isSame ? 'again' : 'with another body'} was answered ${got}`);
  }
}

/** I15: what a person did is in the log, once. */
function checkDeeds({ deeds }: History, folded: ReadonlyMap<Xid, Folded>, report: Report): void {
  for (const { xid, by, what, changed, branches } of deeds) {
    const times = folded.get(xid)?.deeds.get(by) ?? 0;
    if (changed && times !== branches)
      report('I15', xid, `'${what}' by ${by} is in the log ${times} times, not ${branches}`);
  }
}

function storyOf(one: Folded | undefined): readonly string[] {
  if (!one) return [];
  const log = one.rows.map(({ seq, at, appender, events }) => ({
    at,
    line: `${seq} by ${appender.slice(0, 6)}: ${brief(events)}`,
  }));
  const done = one.effects.map(({ at, branch, op, participant, order }) => ({
    at,
    line: `effect ${order}: ${branch}.${op} at ${participant}`,
  }));
  return [...log.map(({ at, line }) => `${at} ${line}`), ...done.map(({ at, line }) => `+${at} ${line}`)];
}

const brief = (events: string): string =>
  (JSON.parse(events) as readonly { readonly type: string; readonly branch?: number }[])
    .map((event) => (event.type === 'opened' ? 'opened' : JSON.stringify(event)))
    .join(' ');
