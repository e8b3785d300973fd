/** What is expected of every (phase, input), written down apart from the table that decides. */
import type { InputType } from '../../coordinator/decide/inputs.js';
import { phases, type TransactionPhase } from '../../coordinator/decide/state.js';
import { inAWord } from './machine.js';
import { inPhase, inputFor } from './phases.js';

/** In the order of `phases`: the word of the verdict on the input that `inputFor` makes. */
const expected: Readonly<Record<InputType, string>> = {
  open: `append same same same same
    same same   same same same   same same same`,
  add_branch: `transaction_not_found append driven_by_plan transaction_not_active transaction_not_active
    transaction_not_active transaction_not_active   driven_by_plan transaction_not_active transaction_not_active
    transaction_not_active transaction_not_active transaction_not_active`,
  commit: `transaction_not_found append driven_by_plan same same
    same already_decided   driven_by_plan same already_decided   same already_decided same`,
  rollback: `transaction_not_found append append append same
    already_decided same   outcome_unknown already_decided same   already_decided same already_decided`,
  rollback_only: `transaction_not_found append append append append
    already_decided same   outcome_unknown already_decided same   already_decided same already_decided`,
  outcome: `stale append append append append
    append append   append append append   same same same`,
  unstorable: `stale append append append append
    append append   stale stale stale   stale stale stale`,
  check_answer: `stale stale stale stale append
    stale stale   stale stale stale   stale stale stale`,
  deadline: `stale append append append stale
    stale stale   stale stale stale   stale stale stale`,
  retry: `transaction_not_found same same same same
    same same   append append append   transaction_finished transaction_finished transaction_finished`,
  resolve: `transaction_not_found branch_not_parked branch_not_parked branch_not_parked branch_not_parked
    branch_not_parked branch_not_parked   append append append
    transaction_finished transaction_finished transaction_finished`,
  adopt: `stale append append append append
    append append   stale stale stale   stale stale stale`,
};

export const inputTypes = Object.keys(expected) as readonly InputType[];

export const expectedOf = (type: InputType, phase: TransactionPhase): string | undefined =>
  expected[type].split(/\s+/)[phases.indexOf(phase)];

/** Feeds one input to a transaction in one phase; what is wrong with the verdict, or undefined. */
export function wrongIn(type: InputType, phase: TransactionPhase): string | undefined {
  const machine = inPhase[phase]();
  if (machine.phase !== phase) return `brought to ${machine.phase}, wanted ${phase}`;
  const before = JSON.stringify(machine.state);
  const input = type === 'open' && phase !== 'absent' ? sameAgain(machine) : inputFor(type, machine);
  const got = inAWord(machine.put(input));
  const changed = JSON.stringify(machine.state) !== before;
  if (got !== expectedOf(type, phase)) return `${type} in ${phase}: expected ${expectedOf(type, phase)}, got ${got}`;
  return changed === (got === 'append')
    ? undefined
    : `${type} in ${phase}: ${got}, and the state ${changed ? 'changed' : 'stayed'}`;
}

/** The request that opened it, once more. */
function sameAgain(machine: ReturnType<(typeof inPhase)['open']>) {
  const [opened] = machine.rows[0]!.events;
  if (opened?.type !== 'opened') throw new Error('a log starts with opened');
  const { type: _, ...request } = opened;
  return { type: 'open' as const, request };
}
