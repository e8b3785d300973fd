import type { EventView, TransactionView } from '../../sdk/protocol/views.js';
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
    ['reason', view.reason],
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
