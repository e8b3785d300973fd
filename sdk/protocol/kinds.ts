/** How a branch is done and undone. One row a kind: there is no subsystem behind it. Source: the design's table of kinds. */
export const kinds = {
  saga: { forward: 'action', commit: undefined, rollback: 'compensate' },
  tcc: { forward: 'try', commit: 'confirm', rollback: 'cancel' },
  xa: { forward: 'prepare', commit: 'commit', rollback: 'rollback' },
  at: { forward: 'execute', commit: 'forget', rollback: 'undo' },
  message: { forward: undefined, commit: 'deliver', rollback: undefined },
} as const satisfies Record<string, { forward?: string; commit?: string; rollback?: string }>;

export type Kind = keyof typeof kinds;

/** The three things that can be asked of a branch, whatever its kind calls them. */
export type Phase = 'forward' | 'commit' | 'rollback';

/** What a command asks, in the words of the branch's kind; `check` asks the initiator how its own work ended. */
export type Op =
  | 'action'
  | 'compensate'
  | 'try'
  | 'confirm'
  | 'cancel'
  | 'prepare'
  | 'commit'
  | 'rollback'
  | 'execute'
  | 'forget'
  | 'undo'
  | 'deliver'
  | 'check';

export const kindNames = Object.keys(kinds) as readonly Kind[];

/** The kind's word for a phase; undefined where the kind has none (a saga has no commit op). */
export const opOf = (kind: Kind, phase: Phase): Op | undefined => kinds[kind][phase];

/** Which phase of the kind an op belongs to; undefined when the op is not one of that kind. */
export function phaseOf(kind: Kind, op: string): Phase | undefined {
  const row = kinds[kind];
  if (row.forward === op) return 'forward';
  if (row.commit === op) return 'commit';
  return row.rollback === op ? 'rollback' : undefined;
}
