import type { TransactionView } from '../../sdk/protocol/views.js';
import { safe, table } from './print.js';
import { moment } from './times.js';

/** A transaction as a screen that is drawn again and again shows it. */
export function watchedLines(view: TransactionView, now: number): string {
  const { xid, name, status, decision, reason, deadlineAt, branches, waitingOn } = view;
  const decided = decision !== null && (status === 'parked' || status === 'resolved') ? ` (${decision})` : '';
  const head = [
    [xid, name, `${status}${decided}`].map((part) => safe(part)).join('  '),
    ...(reason === null ? [] : [safe(reason, 300)]),
    ...(status === 'active' && deadlineAt !== null ? [`deadline ${moment(deadlineAt, now)}`] : []),
  ];
  const rows = branches.map((branch) => {
    const waits = waitingOn.find((one) => one.branch === branch.branch);
    const due = waits && (waits.dueAt === null ? 'needs a person' : nextOf(waits.dueAt, now));
    return [
      branch.branch,
      branch.id,
      branch.participant ?? branch.url,
      branch.status,
      branch.attempts,
      due,
      branch.lastError,
    ];
  });
  const check = waitingOn.find(({ branch }) => branch === 0);
  return [
    ...head,
    '',
    branches.length === 0
      ? 'no branches yet'
      : table(['', 'branch', 'participant', 'status', 'attempts', 'next', 'last error'], rows),
    ...(check
      ? [`asks the initiator's check: ${check.dueAt === null ? 'needs a person' : nextOf(check.dueAt, now)}`]
      : []),
  ].join('\n');
}

const nextOf = (dueAt: string, now: number): string =>
  Date.parse(dueAt) <= now ? 'waits for an answer' : moment(dueAt, now).replace(/^.*\((.*)\)$/, '$1');
