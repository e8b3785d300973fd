import { type Kind, kinds } from '../../../sdk/protocol/kinds.js';
import type { EventView } from '../../../sdk/protocol/views.js';
import { counted } from '../times.js';
import { isHeldBack } from './effects.js';
import { branchAt, type Happened, type Known, nameOf } from './explanation.js';

/** `kind` where the branch is known. */
type Tell = (event: EventView, name: string, kind?: Kind) => string;

const said = (value: unknown): string =>
  value === null || value === undefined ? 'no reason was given' : String(value);

/** Each kind of event in words. */
const tellings: Readonly<Record<string, Tell>> = {
  opened: ({ drivenBy, branches }) =>
    drivenBy === 'plan'
      ? `opened as a plan of ${counted((branches as readonly unknown[]).length, 'step')}, which the coordinator drives`
      : 'opened by its initiator, which adds branches and decides',
  branch_added: (_, name) => `branch ${name} was added`,
  branch_done: ({ attempt }, name, kind) =>
    // What is to be confirmed is no effect yet.
    `${kind && isHeldBack(kind) ? `'${kinds[kind].forward}' of ${name} is done` : `${name} took effect`}${attempts(attempt)}`,
  branch_refused: ({ reason, attempt }, name) =>
    attempt === 0 ? `the coordinator refused ${name}: ${said(reason)}` : `${name} said no: ${said(reason)}`,
  attempt_failed: ({ op, attempt, error, crashed }, name) =>
    crashed
      ? `attempt ${attempt} of '${op}' of ${name} was under way when its coordinator died: ${said(error)}`
      : `attempt ${attempt} of '${op}' of ${name} brought no answer: ${said(error)}`,
  branch_pending: ({ op }, name) => `${name} answered that '${op}' is still going on there`,
  branch_uncertain: ({ error }, name) =>
    `${name} was given up on, and may or may not have taken effect: ${said(error)}`,
  branch_committed: (_, name) => `${name} carried out the commit`,
  branch_undone: (_, name) => `${name} was undone`,
  branch_parked: ({ op, reason }, name) => `'${op}' of ${name} was parked: ${said(reason)}`,
  branch_resolved: ({ as, by, reason }, name) => `${by} decided by hand that ${name} is ${as}: ${said(reason)}`,
  resolution_proposed: ({ by, branches }) =>
    `${by} proposed to decide by hand: ${(branches as unknown as readonly Proposed[]).map((each) => `${each.branch} is ${each.as}`).join(', ')}; a second person has to confirm`,
  closed: () => 'its initiator asked to commit: no new branches from here on',
  rollback_only: ({ reason }) => `marked to be rolled back: ${said(reason)}`,
  rollback_wanted: ({ reason }) => `rollback was wanted, and its initiator is asked first: ${said(reason)}`,
  check_failed: ({ attempt, error }) => `the initiator's check brought no answer (attempt ${attempt}): ${said(error)}`,
  check_parked: ({ reason }) => `the initiator's check was parked: ${said(reason)}`,
  decided: ({ decision, reason }) => `${decision} was decided${reason === null ? '' : `: ${said(reason)}`}`,
  parked: () => 'stopped: only a person can move it from here',
  ended: ({ status }) => `ended: ${String(status).replace('_', ' ')}`,
  retried: ({ by }) => `${by} asked to try again at once`,
  adopted: ({ from }) => `another coordinator took over from ${from}, which was gone`,
};

interface Proposed {
  readonly branch: number;
  readonly as: string;
}

const attempts = (attempt: unknown): string => (Number(attempt) > 1 ? ` at attempt ${attempt}` : '');

/** What happened, in order. Attempts that failed one after another are told as one, and so is "ask me again". */
export function whatHappened({ view, events }: Pick<Known, 'view' | 'events'>): readonly Happened[] {
  const told: Happened[] = [];
  for (const [index, event] of events.entries()) {
    const next = events.slice(index + 1).find(isOfBranch(event));
    if (next && isToldOnce(event, next)) continue;
    const branch = branchAt(view, event.branch);
    const tell = tellings[event.type];
    const added = (event.spec as unknown as { readonly id?: string } | undefined)?.id;
    const name = branch ? nameOf(branch) : added === undefined ? String(event.branch ?? '') : `'${added}'`;
    // A newer coordinator may know events that this version does not.
    told.push({ at: event.at, text: tell ? tell(event, name, branch?.kind) : event.type });
  }
  return told;
}

const repeats = new Set(['attempt_failed', 'check_failed', 'branch_pending']);

const isToldOnce = (event: EventView, next: EventView): boolean =>
  repeats.has(event.type) && next.type === event.type && next.op === event.op;

const isOfBranch =
  ({ branch }: EventView) =>
  (other: EventView): boolean =>
    other.branch === branch;
