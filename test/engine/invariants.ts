import { applyEvent, type Row } from '../../coordinator/decide/fold.js';
import { type Branch, type State, statusOf } from '../../coordinator/decide/state.js';
import type { LogRow } from '../../coordinator/store/store.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { opOf } from '../../sdk/protocol/kinds.js';
import { whyIllegal } from '../decide/legal-event.js';
import type { Cluster } from './cluster.js';

/** Everything that is wrong with these transactions, by the ledger of effects, the log and the wire. */
export async function wrongWith(cluster: Cluster, xids: readonly Xid[]): Promise<string[]> {
  const found = [...cluster.ghosts.map((ghost) => `I6 ${ghost}`), ...cluster.network.violations];
  for (const xid of xids) {
    const rows = await cluster.rows(xid);
    if (rows.length === 0) continue;
    const { state, flaws } = replay(rows);
    found.push(...flaws.map((flaw) => `I11 ${xid}: ${flaw}`));
    if (!state) continue;
    if (!state.ended && !state.parked) found.push(`I10 ${xid}: still ${statusOf(state)}`);
    found.push(...wrongEffects(state, cluster.participant.effects(xid)).map((flaw) => `${flaw} (${xid})`));
  }
  return found;
}

/** Folds a log event by event. */
function replay(rows: readonly LogRow[]): { readonly state: State | undefined; readonly flaws: string[] } {
  const flaws: string[] = [];
  let state: State | undefined;
  for (const [index, { events, ...rest }] of rows.entries()) {
    if (rest.seq !== index + 1) flaws.push(`row ${rest.seq} in place ${index + 1}`);
    const row: Row = { ...rest, events: JSON.parse(events) };
    for (const event of row.events) {
      const why = whyIllegal(state, event, row);
      if (why) flaws.push(`seq ${row.seq} ${event.type}: ${why}`);
      state = applyEvent(state, event, row);
    }
    if (state) state = { ...state, seq: row.seq, append: row.append, owner: row.appender, at: row.at };
  }
  return { state, flaws };
}

/** What the ledger says against the end of the transaction. */
export function wrongEffects(state: State, effects: readonly string[]): string[] {
  const found: string[] = [];
  const twice = effects.filter((effect, index) => effects.indexOf(effect) !== index);
  if (twice.length > 0) found.push(`I5 ${twice.join(', ')} more than once`);
  for (const branch of state.branches) found.push(...wrongBranch(state, branch, effects));
  return [...found, ...wrongOrder(state, effects)];
}

function wrongBranch(state: State, branch: Branch, effects: readonly string[]): string[] {
  const has = (phase: 'forward' | 'commit' | 'rollback'): boolean =>
    effects.includes(`${branch.number}.${opOf(branch.kind, phase)}`);
  const found: string[] = [];
  const no = (flaw: string) =>
    found.push(`${flaw}: branch ${branch.number} is ${branch.stage.at}, ledger ${effects.join(' ')}`);
  if (has('commit') && has('rollback')) no('I7 committed and rolled back');
  if (has('rollback') && !has('forward')) no('I7 undone though it was never done');
  if (has('commit') && state.decision !== 'commit') no('I2 committed without the decision');
  if (has('rollback') && state.decision !== 'rollback') no('I2 undone without the decision');
  if (branch.stage.at === 'parked' || (branch.stage.at === 'skipped' && state.byHand)) return found;
  const opens = state.drivenBy === 'plan' || branch.forward === 'done';
  if (state.ended === 'committed' && branch.stage.at !== 'refused') {
    if (opens && opOf(branch.kind, 'forward') && !has('forward')) no('I1 committed, not done');
    if (opOf(branch.kind, 'commit') && !has('commit')) no('I1 committed, its commit op has no effect');
  }
  if (state.ended === 'rolled_back' && has('forward') !== has('rollback')) no('I1 rolled back, not undone');
  return found;
}

/** A branch is undone only after all that came after it. */
function wrongOrder(state: State, effects: readonly string[]): string[] {
  const undoneAt = ({ number, kind }: Branch): number => effects.indexOf(`${number}.${opOf(kind, 'rollback')}`);
  return state.branches.flatMap((branch) =>
    state.branches
      .filter((other) => comesAfter(state, other, branch) && undoneAt(branch) >= 0 && other.stage.at !== 'parked')
      .filter((other) => effects.includes(`${other.number}.${opOf(other.kind, 'forward')}`))
      .filter((other) => undoneAt(other) < 0 || undoneAt(other) > undoneAt(branch))
      .map((other) => `I8 branch ${branch.number} is undone before ${other.number}: ${effects.join(' ')}`),
  );
}

function comesAfter(state: State, later: Branch, earlier: Branch): boolean {
  if (state.drivenBy === 'initiator') {
    return earlier.outcomePosition !== null && earlier.outcomePosition < later.addedPosition;
  }
  return later.after.some((number) => {
    const before = state.branches[number - 1];
    return before && (before === earlier || comesAfter(state, before, earlier));
  });
}
