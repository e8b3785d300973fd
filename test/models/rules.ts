/** What must always hold of a transaction, said a second time and apart from the code that decides. */
import assert from 'node:assert/strict';
import { nextDueAt, outstanding } from '../../coordinator/decide/outstanding.js';
import { type Branch, phaseOfState, type State } from '../../coordinator/decide/state.js';
import type { CoordinatorId } from '../../sdk/protocol/ids.js';
import { kinds, phaseOf } from '../../sdk/protocol/kinds.js';
import { type Kept, standsOf } from './fenced.js';
import type { World } from './world.js';

/** Throws when a row leads from one state to another that must not follow. */
export function checkRow(before: State | undefined, after: State): void {
  assert.equal(after.decision, before?.decision ?? after.decision, 'I2 a decision changed');
  for (const { branch, work } of outstanding(after)) {
    const phase = branch > 0 && phaseOf(after.branches[branch - 1]!.kind, work.op);
    if (phase && phase !== 'forward')
      assert.equal(phase, after.decision, `I7 ${branch}.${work.op} against the decision`);
  }
  checkUndoOrder(before, after);
  checkNotLost(after);
}

/** I4: something is outstanding, or it waits for its initiator, or it is parked or over and then nothing is. */
function checkNotLost(state: State): void {
  const phase = phaseOfState(state);
  const count = outstanding(state).length;
  const isOver = state.ended || state.parked;
  if (isOver) assert.equal(count, 0, `I4 ${phase}, and something is outstanding`);
  if (isOver || phase === 'open') return;
  assert.ok(count > 0, `I4 ${phase}, and nothing is outstanding`);
  assert.notEqual(nextDueAt(state, 'nobody' as CoordinatorId), null, `I4 ${phase}, and nobody will look again`);
}

const isUndoing = (branch: Branch | undefined): boolean =>
  branch?.stage.at === 'asked' && phaseOf(branch.kind, branch.stage.work.op) === 'rollback';

/** I8: an undo is asked when all that came after its branch is settled or parked. */
function checkUndoOrder(before: State | undefined, after: State): void {
  for (const branch of after.branches) {
    if (!isUndoing(branch) || isUndoing(before?.branches[branch.number - 1])) continue;
    for (const later of after.branches) {
      if (!cameAfter(after, later, branch)) continue;
      const isOver = ['undone', 'skipped', 'refused', 'parked'].includes(later.stage.at);
      assert.ok(isOver, `I8 ${branch.id} is undone while ${later.id}, which came after it, is ${later.stage.at}`);
    }
  }
}

/** Whether one branch came after another: by `after` in a plan, else by the log. */
export function cameAfter({ drivenBy, branches }: State, one: Branch, other: Branch): boolean {
  if (drivenBy === 'initiator') return other.outcomePosition !== null && other.outcomePosition < one.addedPosition;
  const isBefore = (number: number): boolean =>
    number === other.number || branches[number - 1]!.after.some((earlier) => isBefore(earlier));
  return one.after.some((number) => isBefore(number));
}

/** What is wrong with the effects in the databases of the participants. */
export function wrongInWorld({ log, kept, excused }: World): string | undefined {
  for (const branch of log?.branches ?? []) {
    const its = kept[branch.number - 1]!;
    const wrong = wrongOrder(branch, its) ?? against(log!, its);
    if (wrong) return `${wrong} (${branch.id})`;
    if (!log!.ended || excused.includes(branch.number)) continue;
    const wanted = wantedOf(log!, branch);
    const stands = standsOf(its);
    if (stands !== wanted) return `I1 I6 ${log!.ended}, and of ${branch.id} stands ${stands}, not ${wanted}`;
  }
  return undefined;
}

function wrongOrder({ kind }: Branch, { effects }: Kept): string | undefined {
  if (new Set(effects).size < effects.length) return `I5 twice in ${effects}`;
  if (effects.includes('commit') && effects.includes('rollback')) return `I7 both in ${effects}`;
  return effects.length > 0 && kind !== 'message' && effects[0] !== 'forward'
    ? `I7 no do before ${effects}`
    : undefined;
}

const against = ({ decision }: State, { effects }: Kept): string | undefined =>
  effects.some((effect) => effect !== 'forward' && effect !== decision)
    ? `I2 ${effects}, and the decision is ${decision}`
    : undefined;

/** I1: what stands of a branch at the end. */
function wantedOf({ decision, drivenBy }: State, { kind, stage }: Branch): ReturnType<typeof standsOf> {
  if (decision === 'rollback' || (drivenBy === 'initiator' && stage.at === 'refused')) return 'nothing';
  return kinds[kind].commit ? 'commit' : 'forward';
}
