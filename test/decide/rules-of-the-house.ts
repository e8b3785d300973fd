/** What always holds, computed from the log and the state apart from the code that decides. */
import assert from 'node:assert/strict';
import { nextDueAt, outstanding } from '../../coordinator/decide/outstanding.js';
import { type Branch, phaseOfState, type State } from '../../coordinator/decide/state.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import { coordinator, type Machine } from './machine.js';

/** Checks the state after a row against the one before it. */
export function checkRow(machine: Machine, before: State | undefined): void {
  const { current: state } = machine;
  if (before?.decision) assert.equal(state.decision, before.decision, 'I2 a decision changed');
  for (const { branch, work } of outstanding(state)) {
    if (branch === 0) continue;
    const phase = phaseOf(state.branches[branch - 1]!.kind, work.op);
    if (phase !== 'forward') assert.equal(phase, state.decision, `I7 ${branch}.${work.op} against the decision`);
  }
  checkUndoOrder(machine, before);
  checkNotLost(state);
}

/** I4: something is outstanding, or it waits for its initiator, or it is parked. */
function checkNotLost(state: State): void {
  const phase = phaseOfState(state);
  if (state.ended || phase.startsWith('parked')) {
    assert.deepEqual(outstanding(state), [], `${phase}, and something is outstanding`);
    return;
  }
  if (phase === 'open') return;
  assert.ok(outstanding(state).length > 0, `I4 ${phase}, and nothing is outstanding`);
  assert.notEqual(nextDueAt(state, coordinator('nobody')), null, `I4 ${phase}, and nobody will look again`);
}

/** I8: an undo is asked when all that came after its branch is settled or parked. */
function checkUndoOrder(machine: Machine, before: State | undefined): void {
  const { current: state } = machine;
  const later = laterThan(machine);
  for (const branch of state.branches) {
    if (!isUndoing(branch) || isUndoing(before?.branches[branch.number - 1])) continue;
    for (const other of state.branches) {
      if (!later(other, branch)) continue;
      const over = ['undone', 'skipped', 'refused', 'parked'].includes(other.stage.at);
      assert.ok(over, `I8 ${branch.id} is undone while ${other.id}, which came after it, is ${other.stage.at}`);
    }
  }
}

const isUndoing = (branch: Branch | undefined): boolean =>
  branch?.stage.at === 'asked' && phaseOf(branch.kind, branch.stage.work.op) === 'rollback';

/** Whether one branch came after another: by `after` in a plan, else by the log. */
function laterThan(machine: Machine): (one: Branch, other: Branch) => boolean {
  const { branches, drivenBy } = machine.current;
  if (drivenBy === 'plan') {
    const comesAfter = (one: Branch, other: Branch): boolean =>
      one.after.some((number) => number === other.number || comesAfter(branches[number - 1]!, other));
    return comesAfter;
  }
  const log = machine.rows.flatMap((row) => row.events);
  const added = log.flatMap((event, index) => (event.type === 'branch_added' ? [index] : []));
  const outcomes = branches.map(({ number }) =>
    log.findIndex(
      (event) => (event.type === 'branch_done' || event.type === 'branch_refused') && event.branch === number,
    ),
  );
  return (one, other) => {
    const outcome = outcomes[other.number - 1]!;
    return outcome >= 0 && outcome < added[one.number - 1]!;
  };
}
