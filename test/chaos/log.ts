/** The coordinator's file, read beside it or after its death. Nothing here asks the coordinator. */
import { applyEvent, type Row } from '../../coordinator/decide/fold.js';
import { outstanding } from '../../coordinator/decide/outstanding.js';
import { type State, statusOf } from '../../coordinator/decide/state.js';
import type { LogRow } from '../../coordinator/store/store.js';
import { openReadOnly } from '../../participants/database.js';
import { isFinal } from '../../sdk/protocol/views.js';
import { whyIllegal } from '../decide/legal-event.js';
import type { Acknowledged } from './customer.js';

interface SummaryRow {
  readonly xid: string;
  readonly status: string;
  readonly owner: string;
}

export interface Log {
  /** By xid, as the rows fold. */
  readonly states: ReadonlyMap<string, State>;
  readonly summaries: ReadonlyMap<string, SummaryRow>;
  readonly leases: readonly { readonly id: string; readonly pid: number }[];
  /** By xid, how often at most one command was in flight when its coordinator died. */
  readonly crashes: ReadonlyMap<string, number>;
  /** Rows that must not be there, or not like that (I2, I11). */
  readonly flaws: readonly string[];
}

export async function readLog(file: string): Promise<Log> {
  const db = openReadOnly(file);
  try {
    return await db.transaction(async (trx) => {
      const rows: LogRow[] = await trx.raw('select * from log order by xid, seq');
      const summaries: SummaryRow[] = await trx.raw('select xid, status, owner from transactions');
      const leases: Log['leases'] = await trx.raw('select id, pid from leases');
      return { ...replay(rows), summaries: new Map(summaries.map((row) => [row.xid, row])), leases };
    });
  } finally {
    await db.destroy();
  }
}

/** Folds every log event by event, holding each against the state before it. */
function replay(rows: readonly LogRow[]): Omit<Log, 'summaries' | 'leases'> {
  const states = new Map<string, State>();
  const flaws: string[] = [];
  const appends = new Set<string>();
  const crashes = new Map<string, number>();
  for (const { events, ...rest } of rows) {
    const { xid, seq, append } = rest;
    let state = states.get(xid);
    if (seq !== (state?.seq ?? 0) + 1) flaws.push(`I11 ${xid}: row ${seq} after row ${state?.seq ?? 0}`);
    if (appends.has(append)) flaws.push(`I11 ${xid}: append ${append} is there twice`);
    appends.add(append);
    const row: Row = { ...rest, events: JSON.parse(events) };
    for (const event of row.events) {
      const why = whyIllegal(state, event, row);
      if (why) flaws.push(`${event.type === 'decided' ? 'I2' : 'I11'} ${xid}: row ${seq} ${event.type}: ${why}`);
      state = applyEvent(state, event, row);
    }
    if (!state) continue;
    crashes.set(xid, Math.max(crashes.get(xid) ?? 0, crashesIn(state)));
    states.set(xid, { ...state, seq, append, owner: row.appender, at: row.at });
  }
  return { states, flaws, crashes };
}

const crashesIn = ({ branches }: State): number =>
  Math.max(0, ...branches.map(({ stage }) => (stage.at === 'asked' ? stage.work.crashes : 0)));

/** I3: what the coordinator acknowledged and is not, or not any more. */
export function lost({ states }: Log, { opened, decided, ended, branches }: Acknowledged): readonly string[] {
  const found: string[] = [];
  for (const xid of opened) if (!states.has(xid)) found.push(`I3 ${xid}: acknowledged, and not there`);
  for (const [key, status] of branches) {
    const [xid = '', id] = key.split(' ');
    const branch = states.get(xid)?.branches.find((each) => each.id === id);
    if (!branch) found.push(`I3 ${xid}: branch ${id} was acknowledged, and is not there`);
    else if ((status === 'done' || status === 'refused') && branch.forward !== status)
      found.push(`I3 ${xid}: branch ${id} was acknowledged as ${status}, and is ${branch.forward}`);
  }
  for (const [xid, decision] of decided) {
    const is = states.get(xid)?.decision;
    if (is !== decision) found.push(`I2 ${xid}: ${decision} was acknowledged, ${is} is in the log`);
  }
  for (const [xid, status] of ended) {
    const is = states.get(xid)?.ended;
    if (is !== status) found.push(`I2 ${xid}: was told as ${status}, the log says ${is}`);
  }
  return found;
}

/** I4: unfinished transactions that nobody would find, or that would have nothing to do if somebody did. */
export function forgotten({ states, summaries }: Log): readonly string[] {
  const found: string[] = [];
  for (const [xid, state] of states) {
    const row = summaries.get(xid);
    const status = statusOf(state);
    if (!row) found.push(`I4 ${xid}: no summary, so nobody finds it`);
    else if (isFinal(status) !== isFinal(row.status as typeof status))
      found.push(`I4 ${xid}: the summary says ${row.status}, the log ${status}`);
    if (isFinal(status)) continue;
    if (row && row.owner !== state.owner) found.push(`I4 ${xid}: ${row.owner} is said to own it, ${state.owner} does`);
    const waits = outstanding(state).length > 0 || state.parked || (state.deadlineAt !== null && !state.decision);
    if (!waits) found.push(`I4 ${xid}: ${status}, and nothing is outstanding or due`);
  }
  return found;
}
