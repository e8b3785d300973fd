import { planted } from '#faults';
import { limits } from '../../../sdk/protocol/limits.js';
import { conclude } from '../conclude.js';
import type { Draft } from '../draft.js';
import type { InputOf, Verdict } from '../inputs.js';
import { hasRoomFor, noRoom } from './meaning.js';
import { refuse, same } from './verdicts.js';

export function open(draft: Draft, input: InputOf<'open'>): undefined {
  draft.emit({ type: 'opened', ...input.request });
  conclude(draft);
}

/** The xid is the idempotency key: the same request again is answered with what it made. */
export function openAgain(draft: Draft, { request }: InputOf<'open'>): Verdict {
  if (draft.state.fingerprint === request.fingerprint || planted('ignore-body-on-resubmit')) return same;
  return refuse(
    'xid_conflict',
    `transaction ${draft.state.xid} was opened with another body; use a new xid for new work`,
  );
}

export function addBranch(draft: Draft, input: InputOf<'add_branch'>): Verdict | undefined {
  const present = branchWithId(draft, input);
  if (present) return present;
  if (draft.state.branches.length >= limits.stepsMax) {
    return refuse('too_many_branches', `expected at most ${limits.stepsMax} branches in one transaction`);
  }
  if (!hasRoomFor(draft, input.spec.input)) return refuse('too_large', noRoom);
  return add(draft, input);
}

function add(draft: Draft, { spec }: InputOf<'add_branch'>): undefined {
  draft.emit({ type: 'branch_added', spec });
  conclude(draft);
}

/** Once the transaction is closing nothing new gets in; a branch that is in is still answered. */
export function addBranchAgain(draft: Draft, input: InputOf<'add_branch'>): Verdict | undefined {
  if (draft.state.drivenBy === 'plan') {
    return refuse(
      'driven_by_plan',
      `transaction ${draft.state.xid} is a plan: its steps were fixed when it was opened`,
    );
  }
  const present = branchWithId(draft, input);
  if (present) return present;
  if (planted('new-branch-after-closing')) return add(draft, input);
  return refuse('transaction_not_active', `transaction ${draft.state.xid} takes no new branches any more`);
}

/** A branch's id is its idempotency key within the transaction. */
function branchWithId({ state }: Draft, { spec }: InputOf<'add_branch'>): Verdict | undefined {
  const present = state.branches.find((branch) => branch.id === spec.id);
  if (!present) return undefined;
  if (present.fingerprint === spec.fingerprint) return same;
  return refuse('branch_conflict', `branch '${spec.id}' of ${state.xid} was added with another body; use a new id`);
}
