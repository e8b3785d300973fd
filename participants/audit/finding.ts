import type { TransactionStatus } from '../../sdk/protocol/views.js';

/** A transaction as the coordinator tells it. */
export interface Told {
  readonly xid: string;
  readonly status: TransactionStatus;
}

export interface Finding {
  /** As the design numbers and names it. */
  readonly invariant: string;
  /** How many things were looked at; a check of nothing proves nothing. */
  readonly checked: number;
  /** Empty when it holds. */
  readonly violations: readonly string[];
}

interface Branch {
  readonly service: string;
  readonly origin: string;
  readonly xid: string;
  readonly branch: number;
}

/** Names a branch, in keys and in violations. */
export const branchKey = ({ service, origin, xid, branch }: Branch): string => `${service} ${origin} ${xid} ${branch}`;

export const opKey = (row: Branch & { readonly op: string }): string => `${branchKey(row)} ${row.op}`;

interface Fenced extends Branch {
  readonly phase: 1 | 2;
  readonly outcome: string;
}

/** Branches whose undo found nothing to undo: the forward op never came, or was refused. */
export function emptyUndos(fence: readonly Fenced[]): ReadonlySet<string> {
  const undone = new Set(fence.filter(({ phase }) => phase === 2).map(branchKey));
  const nothing = fence.filter(({ phase, outcome }) => phase === 1 && (outcome === 'empty' || outcome === 'refused'));
  return new Set(nothing.map(branchKey).filter((key) => undone.has(key)));
}

/** Rows by a key, in their order. */
export function groupBy<T>(rows: readonly T[], keyOf: (row: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}
