import { planted } from '#faults';
import type { Gate } from '../gate.js';
import type { Verdict } from '../group.js';
import { StoreError } from '../store.js';

const verdicts: Readonly<Record<string, Verdict>> = {
  SQLITE_BUSY: 'again',
  SQLITE_LOCKED: 'again',
  SQLITE_PROTOCOL: 'again',
  SQLITE_INTERRUPT: 'again',
  SQLITE_ABORT: 'again',
  SQLITE_SCHEMA: 'again',
  SQLITE_FULL: 'outage',
  SQLITE_READONLY: 'outage',
  SQLITE_CANTOPEN: 'outage',
  SQLITE_NOMEM: 'outage',
  SQLITE_PERM: 'outage',
  SQLITE_AUTH: 'outage',
  SQLITE_MISUSE: 'outage',
  SQLITE_IOERR: 'broken',
  SQLITE_CORRUPT: 'broken',
  SQLITE_NOTADB: 'broken',
};

const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined;
};

/** What an error of SQLite means. One without a code of SQLite's is an answer that got lost on the way. */
export function verdictOf(error: unknown): Verdict {
  const code = codeOf(error);
  if (code === undefined) return 'again';
  const verdict = verdicts[code] ?? 'refused';
  return verdict === 'broken' && planted('keep-going-after-fsync-error') ? 'again' : verdict;
}

/** The error of a call that is no append; closes the gate when the store is broken. */
export function toStoreError(gate: Gate, doing: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (verdictOf(error) === 'broken') return gate.break(error);
  const because = error instanceof Error ? error.message : String(error);
  return new StoreError('outage', `the store could not ${doing}: ${because}`, error);
}
