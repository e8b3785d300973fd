import type { CoordinatorId } from '../../sdk/protocol/ids.js';
import type { Summary } from '../../sdk/protocol/summary.js';
import { nextDueAt } from './outstanding.js';
import { type State, statusOf } from './state.js';

/** The summary of a state whose next row `owner` writes at `at`. */
export function summarize(state: State, owner: CoordinatorId, at: number): Summary {
  return {
    name: state.name,
    businessKey: state.businessKey,
    participants: participantsOf(state),
    status: statusOf(state),
    decision: state.decision,
    reason: state.reason,
    openedAt: state.openedAt,
    decidedAt: state.decidedAt,
    deadlineAt: state.deadlineAt,
    finishedAt: state.finishedAt,
    dueAt: nextDueAt(state, owner, at),
    owner,
  };
}

const none: readonly string[] = Object.freeze([]);

function participantsOf({ branches }: State): readonly string[] {
  let names: Set<string> | undefined;
  for (const { target } of branches) {
    if (!('participant' in target)) continue;
    names ??= new Set();
    names.add(target.participant);
  }
  return names ? [...names] : none;
}

/** Whether a summary row must be written: not for every row, but whenever lists, deadlines or recovery would notice. */
export const isWorthWriting = (before: Summary | undefined, after: Summary): boolean =>
  !before ||
  before.status !== after.status ||
  before.dueAt !== after.dueAt ||
  before.owner !== after.owner ||
  before.decision !== after.decision;
