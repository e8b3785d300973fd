import { phaseOf } from '../../../sdk/protocol/kinds.js';
import { isFinal, type WaitingOn } from '../../../sdk/protocol/views.js';
import { span } from '../times.js';
import { branchAt, type Known, nameOf, openedOf, specOf, type Told } from './explanation.js';
import { heldBy, isPivotInDoubt, targetOf } from './waiting.js';

/** What happens next if nobody does anything. */
export function whatComesNext(known: Known): readonly Told[] {
  const { view } = known;
  if (isFinal(view.status)) return [whole('Nothing: it is finished.')];
  if (view.status === 'parked')
    return [whole('Nothing, until a person acts: what is parked is never tried again by itself.')];
  const told = [...view.waitingOn.flatMap((one) => ofOne(known, one)), ...steps(known), ...deadline(known)];
  return told.length > 0 ? told : [whole('The coordinator goes on by itself.')];
}

const whole = (text: string, at: string | null = null): Told => ({ branch: null, text, at });

function ofOne(known: Known, one: WaitingOn): readonly Told[] {
  const branch = one.branch === 0 ? null : one.branch;
  if (one.dueAt === null)
    return [{ branch, text: `${nameFor(known, one)} stays parked until a person acts.`, at: null }];
  if (heldBy(known, one) && Date.parse(one.dueAt) <= known.now)
    return [
      {
        branch,
        text: `'${one.op}' is sent as soon as '${targetOf(known, one)}' takes commands; waiting for that is no attempt.`,
        at: null,
      },
    ];
  return [{ branch, text: ifNoAnswer(known, one), at: null }];
}

const nameFor = ({ view }: Known, { branch: number }: WaitingOn): string => {
  const branch = branchAt(view, number);
  return branch ? nameOf(branch) : "the initiator's check";
};

/** How long it is tried, and what becomes of it then. */
function ifNoAnswer(known: Known, one: WaitingOn): string {
  const { view } = known;
  const { policy } = openedOf(known);
  const branch = branchAt(view, one.branch);
  const parks = `it is tried again, at most a minute apart, and parks when that has brought nothing for ${span(policy.parkAfterMs)}`;
  if (!branch) return `Without an answer of the initiator's check ${parks}.`;
  const name = nameOf(branch);
  if (phaseOf(branch.kind, one.op) !== 'forward' || view.decision === 'commit')
    return `Without an answer '${one.op}' of ${name} goes on: ${parks}; the other branches go on meanwhile.`;
  if (view.decision === 'rollback')
    return `The outcome of '${one.op}' of ${name} is awaited before it is undone; it is not sent again.`;
  const attemptsMax = specOf(known, branch).retry?.attemptsMax ?? policy.retry.attemptsMax;
  const end = isPivotInDoubt(known, one)
    ? 'it parks, as it may have taken effect'
    : 'it is given up and rollback is decided';
  if (isPending(known, one))
    return `As long as '${one.op}' of ${name} is still going on there it is asked again, for at most ${span(policy.pendingForMs)} in all; then ${end}.`;
  return `Without an answer '${one.op}' of ${name} is tried up to ${attemptsMax} times; then ${end}.`;
}

/** What it last heard is "ask me again". */
const isPending = ({ events }: Known, { branch: number, op }: WaitingOn): boolean =>
  events.findLast((event) => event.branch === number && event.op === op)?.type === 'branch_pending';

/** Whose turn comes later. */
function steps({ view }: Known): readonly Told[] {
  const asked = new Set(view.waitingOn.map(({ branch }) => branch));
  const later = view.branches.filter(({ branch, status }) => !asked.has(branch) && status === 'waiting');
  if (view.status === 'rolling_back') {
    const undone = view.branches.filter(
      ({ branch, status }) => !asked.has(branch) && (status === 'done' || status === 'uncertain'),
    );
    return undone.length === 0
      ? []
      : [whole(`Then these are undone, the last first: ${undone.toReversed().map(nameOf).join(', ')}.`)];
  }
  return later.length === 0 ? [] : [whole(`Then comes the turn of: ${later.map(nameOf).join(', ')}.`)];
}

function deadline(known: Known): readonly Told[] {
  const { view } = known;
  if (view.status !== 'active' || view.deadlineAt === null) return [];
  if (known.events.some(({ type }) => type === 'rollback_wanted')) return [];
  if (view.waitingOn.some((one) => isPivotInDoubt(known, one)))
    return [whole('Its deadline does not count while the pivot is in doubt.')];
  const ask = openedOf(known).onTimeout === 'ask';
  const what = ask ? "the initiator's check is asked whether it committed" : 'rollback is decided';
  return [whole(`If nothing is decided by its deadline, ${what}.`, view.deadlineAt)];
}
