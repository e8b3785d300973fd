import type { EventView, Heuristic, ProposalView, TransactionView } from '../../sdk/protocol/views.js';
import { safe, table } from './print.js';

/** One transaction as a person reads it. */
export function transactionLines(view: TransactionView): string {
  const facts: readonly (readonly [string, unknown])[] = [
    ['transaction', view.xid],
    ['name', view.name],
    [
      'status',
      view.decision && (view.status === 'parked' || view.status === 'resolved')
        ? `${view.status} (${view.decision})`
        : view.status,
    ],
    ['took effect', view.heuristic ? effects[view.heuristic] : null],
    ['reason', view.reason],
    ['proposed', view.proposal ? proposed(view.proposal) : null],
    ['business key', view.businessKey],
    ['opened', view.openedAt],
    ['deadline', view.deadlineAt],
    ['decided', view.decidedAt],
    ['finished', view.finishedAt && `${view.finishedAt} (after ${view.durationMs} ms)`],
  ];
  const told = facts
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(14)}${safe(value, 300)}`);
  return [...told, '', branchLines(view), ...waitingLines(view)].join('\n');
}

const effects: Readonly<Record<Heuristic, string>> = Object.freeze({
  committed: 'every branch',
  rolled_back: 'no branch',
  mixed: 'some branches, and some not',
  unknown: 'nobody knows of some branch',
});

const proposed = ({ by, branches, expiresAt }: ProposalView): string =>
  `${branches.map(({ branch, as }) => `${branch} ${as}`).join(', ')} by ${by}: another operator confirms it until ${expiresAt}`;

function branchLines({ branches }: TransactionView): string {
  if (branches.length === 0) return 'no branches';
  const rows = branches.map((branch) => [
    branch.branch,
    branch.id,
    branch.kind,
    branch.participant ? `${branch.participant}/${branch.handler}` : branch.url,
    branch.status,
    branch.attempts,
    branch.lastError,
  ]);
  return table(['branch', 'id', 'kind', 'participant', 'status', 'attempts', 'last error'], rows);
}

function waitingLines({ waitingOn }: TransactionView): readonly string[] {
  if (waitingOn.length === 0) return [];
  const rows = waitingOn.map((each) => [
    each.branch,
    each.op,
    each.attempt,
    each.dueAt ?? 'parked: needs a person',
    each.lastError,
  ]);
  return ['', 'waits for', table(['branch', 'op', 'attempt', 'due', 'last error'], rows)];
}

/** A log as a person reads it. */
export const eventLines = (events: readonly EventView[]): string =>
  table(
    ['seq', 'at', 'type', 'what'],
    events.map(({ seq, index, at, type, ...rest }) => [`${seq}.${index}`, at, type, rest]),
  );
