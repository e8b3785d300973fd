import { planted } from '#faults';
import { canonicalJson } from '../../../sdk/protocol/json.js';
import { limits } from '../../../sdk/protocol/limits.js';
import { conclude } from '../conclude.js';
import type { Draft } from '../draft.js';
import type { InputOf, Resolution, Verdict } from '../inputs.js';
import { branchOf } from '../state.js';
import { refuse, same } from './verdicts.js';

/** A person asks to try again now: what is parked, and what waits for its next attempt. */
export function retry(draft: Draft, { by }: InputOf<'retry'>): Verdict | undefined {
  const { state, moment } = draft;
  const waits = state.branches.some(
    ({ stage }) => stage.at === 'parked' || (stage.at === 'asked' && stage.work.dueAt > moment.now),
  );
  const checkWaits =
    state.check?.at === 'parked' || (state.check?.at === 'asked' && state.check.work.dueAt > moment.now);
  if (!waits && !checkWaits) return same;
  draft.emit({ type: 'retried', by });
  conclude(draft);
  return undefined;
}

/** A person decides parked branches by hand; all of them or, when one cannot be, none. */
export function resolve(draft: Draft, input: InputOf<'resolve'>): Verdict | undefined {
  const { branches, by } = input;
  if (branches.length === 0) return same;
  if (new Set(branches.map(({ branch }) => branch)).size < branches.length) {
    return refuse('invalid_request', 'expected each branch at most once');
  }
  for (const each of branches) {
    const error = whyNot(draft, each);
    if (error) return error;
  }
  const second = secondPerson(draft, input);
  if (second === 'same') return same;
  if (second === 'wanted') {
    draft.emit({ type: 'resolution_proposed', branches, by, expiresAt: draft.moment.now + limits.proposalMs });
    return undefined;
  }
  for (const { branch, as, output, reason } of branches) {
    draft.emit({ type: 'branch_resolved', branch, as, output, reason, by, ...second });
  }
  conclude(draft);
  return undefined;
}

/** What the rule of two persons makes of it: nothing where one is enough, or who asked for it first. */
function secondPerson(
  { state: { proposal }, moment }: Draft,
  { branches, by, twoPersons = false }: InputOf<'resolve'>,
): 'same' | 'wanted' | { readonly proposedBy?: string } {
  if (!twoPersons || planted('one-person-is-enough')) return {};
  const stands = proposal && moment.now < proposal.expiresAt && isSame(proposal.branches, branches);
  if (!stands) return 'wanted';
  return proposal.by === by ? 'same' : { proposedBy: proposal.by };
}

/** Word for word, in whatever order. */
function isSame(proposed: readonly Resolution[], asked: readonly Resolution[]): boolean {
  return (
    proposed.length === asked.length &&
    asked.every(({ branch, as, output, reason }) => {
      const first = proposed.find((each) => each.branch === branch);
      return first?.as === as && first.reason === reason && canonicalJson([first.output]) === canonicalJson([output]);
    })
  );
}

function whyNot({ state, moment }: Draft, { branch: number }: Resolution): Verdict | undefined {
  const branch = branchOf(state, number);
  if (!branch)
    return refuse('branch_not_found', `${state.xid} has no branch ${number}; it has ${state.branches.length}`);
  const { at } = branch.stage;
  if (branch.stage.at !== 'parked') {
    return refuse(
      'branch_not_parked',
      `branch ${number} of ${state.xid} is ${at === 'asked' ? 'under way' : at}; only a parked one can be resolved`,
    );
  }
  const leftMs = branch.stage.expiresAt - moment.now;
  if (leftMs <= 0 || planted('resolve-while-in-flight')) return undefined;
  return refuse(
    'command_in_flight',
    `the last '${branch.stage.op}' of branch ${number} may take effect for ${leftMs} ms more`,
  );
}
