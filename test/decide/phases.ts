/** A transaction in each phase, brought there by real inputs, and one input of each type that fits it. */
import type { Input, InputType } from '../../coordinator/decide/inputs.js';
import type { TransactionPhase } from '../../coordinator/decide/state.js';
import { kinds } from '../../sdk/protocol/kinds.js';
import { coordinator, Machine } from './machine.js';
import { initiated, planned, request, spec } from './requests.js';

const deadlineAt = 1_060_000;

export const inPhase: Readonly<Record<TransactionPhase, () => Machine>> = {
  absent: () => new Machine(),
  open: () => initiated(['a'], { deadlineAt }),
  planned: () => planned([{ id: 'a' }, { id: 'b' }], { deadlineAt }),
  closing: () => after(initiated(['a'], { deadlineAt }), (machine) => machine.commit()),
  asking: () => after(initiated(['a'], { deadlineAt, onTimeout: 'ask' }), (machine) => machine.rollback()),
  committing: () => committing(),
  rolling_back: () => rollingBack(),
  parked_undecided: () =>
    after(
      planned([{ id: 'a', pivot: true, retry: { attemptsMax: 1, initialMs: 1, maxMs: 1, factor: 1 } }], { deadlineAt }),
      (machine) => machine.unknown(1),
    ),
  parked_commit: () => after(committing(), (machine) => machine.refused(1)),
  parked_rollback: () => after(rollingBack(), (machine) => machine.refused(1)),
  committed: () => after(committing(), (machine) => machine.done(1)),
  rolled_back: () => after(rollingBack(), (machine) => machine.done(1)),
  resolved: () =>
    after(committing(), (machine) => {
      machine.refused(1);
      machine.resolve(1, 'done');
    }),
};

function committing(): Machine {
  const machine = initiated([{ id: 'a', kind: 'tcc' }], { deadlineAt });
  machine.done(1);
  machine.commit();
  return machine;
}

function rollingBack(): Machine {
  const machine = initiated([{ id: 'a', kind: 'tcc' }], { deadlineAt });
  machine.done(1);
  machine.rollback();
  return machine;
}

function after(machine: Machine, act: (machine: Machine) => void): Machine {
  act(machine);
  return machine;
}

/** An input that its phase has a use for, where it has one. */
export function inputFor(type: InputType, machine: Machine): Input {
  const { state } = machine;
  const branch = state?.branches[0];
  const stage = branch?.stage;
  const op =
    stage?.at === 'asked' ? stage.work.op : stage?.at === 'parked' ? stage.op : kinds[branch?.kind ?? 'saga'].forward!;
  switch (type) {
    case 'open':
      return request({ deadlineAt });
    case 'add_branch':
      return { type, spec: spec({ id: 'new' }) };
    case 'commit':
    case 'deadline':
      machine.now = deadlineAt;
      return { type };
    case 'rollback':
    case 'rollback_only':
      return { type, reason: 'asked' };
    case 'outcome':
      return { type, branch: 1, op, attempt: 1, outcome: { kind: 'done', output: 1 } };
    case 'unstorable':
      return { type, branch: 1, op, error: 'too large' };
    case 'check_answer':
      return { type, attempt: 1, answer: 'rollback' };
    case 'retry':
      return { type, by: 'ann' };
    case 'resolve':
      machine.now = deadlineAt;
      return { type, by: 'ann', branches: [{ branch: 1, as: 'done', output: null, reason: 'seen' }] };
    case 'adopt':
      return { type, from: state?.owner ?? coordinator('a') };
  }
}
