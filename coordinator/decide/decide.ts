/**
 * The mind: the state and what came in give the events to append, or the answer why none. Pure: the same state, input
 * and moment always give the same verdict.
 */
import type { ErrorCode } from '../../sdk/protocol/errors.js';
import type { AppendId, Xid } from '../../sdk/protocol/ids.js';
import { Draft } from './draft.js';
import type { Row } from './fold.js';
import type { Input, InputOf, InputType, Moment, Verdict } from './inputs.js';
import { legality, type RuleName } from './legality.js';
import { adopt } from './rules/adopting.js';
import { checkAnswer } from './rules/asking.js';
import {
  commit,
  commitAgain,
  commitWhileAsking,
  deadline,
  markRollbackOnly,
  rollback,
  rollbackAgain,
} from './rules/deciding.js';
import { addBranch, addBranchAgain, open, openAgain } from './rules/opening.js';
import { lateOutcome, outcome, unstorable } from './rules/outcomes.js';
import { resolve, retry } from './rules/people.js';
import { stale } from './rules/verdicts.js';
import { phaseOfState, type State } from './state.js';

/** A rule emits into the draft, or says why there is nothing to emit. */
type Rule<T extends InputType> = (draft: Draft, input: InputOf<T>) => Verdict | undefined;

const rules = {
  open,
  openAgain,
  addBranch,
  addBranchAgain,
  commit,
  commitAgain,
  commitWhileAsking,
  rollback,
  rollbackAgain,
  markRollbackOnly,
  outcome,
  lateOutcome,
  unstorable,
  checkAnswer,
  deadline,
  retry,
  resolve,
  adopt,
} satisfies { [Name in RuleName]: unknown };

export interface Decided {
  readonly verdict: Verdict;
  /** The state if the events are appended; the present one otherwise. */
  readonly state: State | undefined;
}

/** Decides one input upon a state. `seq` is the row that its events will be part of. */
export function decide(xid: Xid, state: State | undefined, input: Input, moment: Moment, seq: number): Decided {
  const cell = legality[input.type][phaseOfState(state)];
  if (cell === 'stale') return { verdict: stale(`the transaction is ${phaseOfState(state)}`), state };
  if (typeof cell !== 'string') return { verdict: refusal(xid, cell.refuse, input, state), state };
  const draft = new Draft(state, rowOf(xid, seq, moment), moment);
  // The table pairs each input with rules of its own type; the compiler cannot follow that.
  const verdict = (rules[cell] as Rule<InputType>)(draft, input) ?? { kind: 'append', events: draft.events };
  return verdict.kind === 'append' ? { verdict, state: draft.state } : { verdict, state };
}

const rowOf = (xid: Xid, seq: number, moment: Moment): Row => ({
  xid,
  seq,
  append: '' as AppendId,
  appender: moment.me,
  at: moment.now,
  events: [],
});

function refusal(xid: Xid, code: ErrorCode, input: Input, state: State | undefined): Verdict {
  const phase = phaseOfState(state);
  if (phase === 'absent') return { kind: 'refuse', code, detail: `there is no transaction ${xid}` };
  const detail =
    code === 'driven_by_plan'
      ? `the coordinator drives plan ${xid} to its end by itself`
      : `expected a transaction that takes '${input.type}'; ${xid} is ${phase}`;
  return { kind: 'refuse', code, detail };
}
