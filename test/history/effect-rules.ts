/** I1, I2, I5, I7 and I8 of one transaction: its ledger against its log. Linear in branches, links and effects. */
import type { Branch, State } from '../../coordinator/decide/state.js';
import { opOf, type Phase, phaseOf } from '../../sdk/protocol/kinds.js';
import type { EffectRecord, Report } from './records.js';
import type { Trail } from './trail.js';
import { type Places, wrongOrder } from './undo-order.js';

type Filling = Record<Phase, number>;

export function checkEffects(trail: Trail, clocksJumped: boolean, report: Report): void {
  const { state, effects, xid } = trail;
  if (!state) return;
  // Past its time a command may still be begun where the clock is wrong, and a person may have decided meanwhile.
  if (!(state.byHand && clocksJumped)) {
    const places = placesOf(state, effects, report);
    for (const [index, branch] of state.branches.entries()) {
      const flaw = wrongBranch(state, branch, places[index] ?? none);
      if (flaw)
        report(flaw[0], xid, `${flaw[1]}: branch ${branch.number} is ${branch.stage.at}, ledger ${shown(effects)}`);
    }
    if (state.decision === 'rollback')
      for (const what of wrongOrder(state, places, trail.parked)) report('I8', xid, `${what}: ${shown(effects)}`);
  }
  if (state.decision === 'commit' && state.rollbackOnly === null)
    for (const { branch, isMarked } of effects)
      if (isMarked) report('I3', xid, `branch ${branch} marked it rollback-only, and nobody knows`);
  checkMarker(state, trail.marker, report);
}

const none: Places = Object.freeze({ forward: 0, commit: 0, rollback: 0 });
const shown = (effects: readonly EffectRecord[]): string =>
  effects.map(({ branch, op }) => `${branch}.${op}`).join(' ');

/** I5, and effects that no branch of the log can have had. */
function placesOf({ branches, xid }: State, effects: readonly EffectRecord[], report: Report): readonly Places[] {
  const places: Filling[] = branches.map(() => ({ forward: 0, commit: 0, rollback: 0 }));
  for (let index = 0; index < effects.length; index++) {
    const effect = effects[index];
    if (!effect) continue;
    const of = branches[effect.branch - 1];
    const place = places[effect.branch - 1];
    const phase = of && phaseOf(of.kind, effect.op);
    if (!phase || !place) report('I11', xid, `${effect.branch}.${effect.op} took effect, and is none of its ops`);
    else if (place[phase] > 0) report('I5', xid, `${effect.branch}.${effect.op} more than once: ${shown(effects)}`);
    else place[phase] = index + 1;
  }
  return places;
}

/** The first rule of those that a branch breaks. */
function wrongBranch(state: State, branch: Branch, has: Places): readonly [string, string] | undefined {
  if (has.commit && has.rollback) return ['I7', 'committed and rolled back'];
  if (has.rollback && !has.forward) return ['I7', 'undone though it was never done'];
  if (has.commit && state.decision !== 'commit') return ['I2', 'committed without the decision'];
  if (has.rollback && state.decision !== 'rollback') return ['I2', 'undone without the decision'];
  if (branch.stage.at === 'parked' || (branch.stage.at === 'skipped' && state.byHand)) return undefined;
  if (state.ended === 'committed' && branch.stage.at !== 'refused') {
    const opens = state.drivenBy === 'plan' || branch.forward === 'done';
    if (opens && opOf(branch.kind, 'forward') && !has.forward) return ['I1', 'committed, not done'];
    if (opOf(branch.kind, 'commit') && !has.commit) return ['I1', 'committed, its commit op has no effect'];
  }
  if (state.ended === 'rolled_back' && has.forward > 0 !== has.rollback > 0) return ['I1', 'rolled back, not undone'];
  return undefined;
}

function checkMarker({ xid, onTimeout, decision, drivenBy }: State, marker: Trail['marker'], report: Report): void {
  if (onTimeout !== 'ask' || !decision) return;
  if (decision === 'rollback' ? marker !== 'rollback' : drivenBy === 'initiator' && marker !== 'commit')
    report('I2', xid, `${decision} is decided, and the initiator's own work is ${marker ?? 'open'}`);
}
