import type { Finding } from './finding.js';
import type { Rehearsal } from './rehearsal.js';
import { nameOf } from './schedule.js';
import { messageOf } from './witness.js';

/** Why it is not worth to look further than the case in which nothing goes wrong; undefined when it is. */
export function brokenOf(plain: Rehearsal): Finding | undefined {
  const kind = 'fails without trouble';
  const { outcomes, sagaError, stuckIn, witness } = plain;
  const failing = [...witness.errors.values()].at(0);
  const hint = '; does a handler use its database other than through tx.db?';
  if (stuckIn !== undefined) {
    const where = stuckIn === 'saga' ? undefined : nameOf(stuckIn);
    return { kind, where, what: `it did not come back${stuckIn === 'saga' ? '' : hint}` };
  }
  if (outcomes.length === 0)
    return {
      kind,
      where: undefined,
      what: `the saga opened no transaction with the client that it was given${said(sagaError)}`,
    };
  if (outcomes.every(({ status }) => status === 'committed') && sagaError === undefined) return undefined;
  if (failing) {
    const isLocked = /SQLITE_BUSY|database is locked/.test(failing.error);
    return {
      kind,
      where: nameOf(failing.site),
      what: `it failed each time it was asked: ${failing.error}${isLocked ? hint : ''}`,
    };
  }
  return { kind, where: undefined, what: `the saga was expected to commit, and did not${said(sagaError)}` };
}

const said = (error: unknown): string => (error === undefined ? '' : `: ${messageOf(error)}`);
