import { planted } from '#faults';
import { phaseOf } from '../../../sdk/protocol/kinds.js';
import { conclude } from '../conclude.js';
import type { Draft } from '../draft.js';
import type { InputOf, Verdict } from '../inputs.js';
import { type Branch, branchOf, type Work } from '../state.js';
import { type Answered, meaningOf, unstored } from './meaning.js';
import { refuse, same, stale } from './verdicts.js';

export function outcome(draft: Draft, input: InputOf<'outcome'>): Verdict | undefined {
  const branch = branchOf(draft.state, input.branch);
  if (!branch) return refuse('branch_not_found', `${draft.state.xid} has no branch ${input.branch}`);
  const answered = answeredBy(draft, branch, input);
  if (!answered) return lateOutcome(draft, input);
  const certain = input.outcome.kind === 'done' || input.outcome.kind === 'refused';
  if (!certain && input.attempt !== answered.work.attempt) return stale('a newer attempt is under way');
  draft.emit(meaningOf(draft, answered, input.outcome));
  conclude(draft);
  return undefined;
}

/** The op that is answered, if it is still being asked or its outcome is still news. */
function answeredBy(draft: Draft, branch: Branch, input: InputOf<'outcome'>): Answered | undefined {
  const { op, attempt } = input;
  if (branch.stage.at !== 'asked') return givenUp(draft, branch, input);
  const { work } = branch.stage;
  if (work.op !== op || (attempt !== 'late' && attempt > work.attempt)) return undefined;
  const { now } = draft.moment;
  const isSent = work.dueAt <= now;
  const another = attempt !== work.attempt && isSent;
  // A late word that comes before the next attempt answers the last one that was sent.
  const answers = attempt === 'late' && !isSent ? { ...work, attempt: Math.max(1, work.attempt - 1) } : work;
  return { branch, work: answers, expiresAt: another ? now + branch.timeoutMs : 0 };
}

/** Nobody asks any more, but it parked without an outcome. */
function givenUp({ state }: Draft, branch: Branch, { op, outcome }: InputOf<'outcome'>): Answered | undefined {
  const { stage } = branch;
  if (stage.at !== 'parked' || stage.op !== op) return undefined;
  const doubted = state.decision === null && outcome.kind === 'refused';
  const isNews = outcome.kind === 'done' || doubted;
  return isNews ? { branch, work: workOf(op, stage.attempt), expiresAt: stage.expiresAt } : undefined;
}

/** An attempt of which only the number is still known. */
function workOf(op: Work['op'], attempt: number): Work {
  return { op, attempt, failures: 0, crashes: 0, dueAt: 0, since: 0, pendingSince: null, by: '' as Work['by'], seq: 0 };
}

export function unstorable(draft: Draft, { branch: number, op, error }: InputOf<'unstorable'>): Verdict | undefined {
  const branch = branchOf(draft.state, number);
  if (branch?.stage.at !== 'asked' || branch.stage.work.op !== op) return stale('it is not being asked any more');
  draft.emit(unstored(draft, { branch, work: branch.stage.work }, error, 0));
  conclude(draft);
  return undefined;
}

/** Held against what is recorded: a repeat is fine, a contradiction is an alarm. */
export function lateOutcome(draft: Draft, input: InputOf<'outcome'>): Verdict {
  const branch = branchOf(draft.state, input.branch);
  if (!branch) return refuse('branch_not_found', `${draft.state.xid} has no branch ${input.branch}`);
  const recorded = recordedFor(branch, input);
  const said = input.outcome.kind;
  if (said === 'pending' || said === 'unknown') return stale('nothing is asked of the branch now');
  if (planted('accept-any-late-outcome')) {
    const answered = { branch, work: workOf(input.op, branch.forwardAttempts), expiresAt: 0 };
    draft.emit(meaningOf(draft, answered, input.outcome));
    return { kind: 'append', events: draft.events };
  }
  if (recorded === said) return same;
  if (!definite.has(recorded)) return stale(`'${input.op}' is ${recorded}`);
  const detail = `branch ${branch.number} of ${draft.state.xid}: '${input.op}' is recorded as ${recorded}, got ${said}`;
  return refuse('outcome_contradicts', detail);
}

/** What an outcome can contradict; anything else is not known or not over. */
const definite = new Set(['done', 'refused', 'never asked', 'skipped']);

function recordedFor(branch: Branch, { op }: InputOf<'outcome'>): string {
  switch (phaseOf(branch.kind, op)) {
    case 'forward':
      return branch.forward ?? 'never asked';
    case 'commit':
      return branch.stage.at === 'committed' ? 'done' : branch.stage.at;
    case 'rollback':
      return branch.stage.at === 'undone' ? 'done' : branch.stage.at;
    default:
      return `no op of kind ${branch.kind}`;
  }
}
