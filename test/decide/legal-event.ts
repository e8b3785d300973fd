/** Which event may follow which state (I11), written down a second time and apart from the code that decides. */
import type { Event, EventOf } from '../../coordinator/decide/events.js';
import type { Row } from '../../coordinator/decide/fold.js';
import type { Branch, State } from '../../coordinator/decide/state.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';

/** Why the event must not be there; undefined when it may. */
export function whyIllegal(state: State | undefined, event: Event, row: Row): string | undefined {
  if (event.type === 'opened') return state && 'there is a transaction already';
  if (!state) return 'there is no transaction';
  if (state.ended) return `the transaction is ${state.ended}`;
  if ('branch' in event) return ofBranch(state, event, row);
  switch (event.type) {
    case 'branch_added':
      return firstOf(
        state.drivenBy === 'plan' && 'a plan is fixed',
        (state.closing || state.decision || state.check) && 'it takes no new branches',
        state.branches.some(({ id }) => id === event.spec.id) && 'the id is taken',
      );
    case 'closed':
      return firstOf(
        state.drivenBy === 'plan' && 'a plan closes itself',
        (state.closing || state.decision) && 'closed twice',
      );
    case 'rollback_only':
      return firstOf(state.decision && 'decided already', state.rollbackOnly !== null && 'marked twice');
    case 'rollback_wanted':
      return firstOf(
        state.onTimeout !== 'ask' && 'nobody to ask',
        (state.check || state.decision) && 'asked twice',
        inDoubt(state),
      );
    case 'check_failed':
    case 'check_parked':
      return firstOf(state.check?.at !== 'asked' && 'nobody is asked');
    case 'decided':
      return decidedTwice(state, event);
    case 'parked':
      return firstOf(
        state.parked && 'parked twice',
        state.branches.some(({ stage }) => stage.at === 'asked') && 'something is asked',
        state.check?.at === 'asked' && 'the check is asked',
      );
    case 'ended':
      return endedEarly(state, event);
    case 'retried':
      return undefined;
    case 'adopted':
      return firstOf(event.from !== state.owner && 'it was not the owner');
  }
}

function decidedTwice(state: State, { decision }: EventOf<'decided'>): string | undefined {
  if (state.decision) return `${state.decision} is decided`;
  if (decision === 'rollback')
    return firstOf(inDoubt(state), state.onTimeout === 'ask' && !state.check && 'the check was not asked');
  if (state.check) return undefined;
  const pivot = state.branches.find((branch) => branch.pivot);
  if (state.drivenBy === 'plan') {
    if (pivot) return firstOf(pivot.forward !== 'done' && 'the pivot is not done');
    return firstOf(
      state.branches.some(({ kind, forward }) => kind !== 'message' && forward !== 'done') && 'a step is not done',
    );
  }
  return firstOf(
    !state.closing && 'nobody asked to commit',
    state.rollbackOnly !== null && 'it may only roll back',
    state.branches.some(({ stage }) => stage.at === 'asked' || stage.at === 'uncertain' || stage.at === 'parked') &&
      'a forward op has no outcome',
  );
}

function endedEarly(state: State, { status }: EventOf<'ended'>): string | undefined {
  const open = state.branches.find(({ stage }) => !['committed', 'undone', 'skipped', 'refused'].includes(stage.at));
  const plain = state.decision === 'commit' ? 'committed' : 'rolled_back';
  return firstOf(
    !state.decision && 'nothing is decided',
    open && `branch ${open.number} is ${open.stage.at}`,
    status !== (state.byHand ? 'resolved' : plain) && `it must end ${state.byHand ? 'resolved' : plain}`,
  );
}

type BranchEvent = Extract<Event, { branch: number }>;

function ofBranch(state: State, event: BranchEvent, row: Row): string | undefined {
  const branch = state.branches[event.branch - 1];
  if (!branch) return 'there is no such branch';
  const { stage } = branch;
  switch (event.type) {
    case 'branch_done':
    case 'branch_refused': {
      const parked = stage.at === 'parked' && phaseOf(branch.kind, stage.op) === 'forward';
      return parked ? undefined : askedFor(branch, 'forward');
    }
    case 'branch_uncertain':
      return firstOf(
        askedFor(branch, 'forward'),
        branch.pivot && 'a pivot parks',
        state.decision === 'commit' && 'commit work parks',
      );
    case 'attempt_failed':
    case 'branch_pending':
      return firstOf(
        (stage.at !== 'asked' || stage.work.op !== event.op) && 'it is not asked',
        stage.at === 'asked' && stage.work.attempt !== event.attempt && 'another attempt is under way',
        event.dueAt < row.at && 'due in the past',
      );
    case 'branch_committed':
    case 'branch_undone':
      return firstOf(askedOrParked(branch, event.type === 'branch_committed' ? 'commit' : 'rollback'));
    case 'branch_parked': {
      const refusedBefore = stage.at === 'refused' && state.decision === 'commit';
      return firstOf(!refusedBefore && (stage.at !== 'asked' || stage.work.op !== event.op) && 'it is not asked');
    }
    case 'branch_resolved':
      return firstOf(
        stage.at !== 'parked' && `it is ${stage.at}`,
        stage.at === 'parked' && stage.expiresAt > row.at && 'in flight',
      );
  }
}

const askedFor = ({ kind, stage }: Branch, phase: string): string | undefined =>
  stage.at === 'asked' && phaseOf(kind, stage.work.op) === phase
    ? undefined
    : `its ${phase} op is not asked (${stage.at})`;

const askedOrParked = (branch: Branch, phase: string): string | undefined =>
  branch.stage.at === 'parked' && phaseOf(branch.kind, branch.stage.op) === phase ? undefined : askedFor(branch, phase);

const inDoubt = (state: State): string | false =>
  state.branches.some(({ pivot, stage }) => pivot && (stage.at === 'asked' || stage.at === 'parked')) &&
  'the pivot is in doubt';

const firstOf = (...whys: readonly (string | false | null | undefined)[]): string | undefined =>
  whys.find(Boolean) || undefined;
