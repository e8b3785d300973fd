import { delayMs } from '../backoff.js';
import { conclude, decideCommit } from '../conclude.js';
import type { Draft } from '../draft.js';
import type { InputOf, Verdict } from '../inputs.js';
import type { Work } from '../state.js';
import { stale } from './verdicts.js';

/** What the initiator's check handler said. Only its "rolled back" decides rollback in an `ask` transaction. */
export function checkAnswer(draft: Draft, { attempt, answer }: InputOf<'check_answer'>): Verdict | undefined {
  const { check } = draft.state;
  if (check?.at !== 'asked') return stale('nobody is asking');
  if (answer === 'commit') decideCommit(draft, 'the check answered committed');
  else if (answer === 'rollback') draft.emit({ type: 'decided', decision: 'rollback', reason: check.reason });
  else if (attempt !== check.work.attempt) return stale('a newer attempt is under way');
  else checkFailed(draft, check.work, answer === 'unknown' ? 'the check answered: not known yet' : answer.error);
  conclude(draft);
  return undefined;
}

export function checkFailed(draft: Draft, work: Work, error: string): void {
  const { now, draw } = draft.moment;
  const { backoff, parkAfterMs } = draft.state.policy;
  const { attempt } = work;
  if (now - work.since >= parkAfterMs) return draft.emit({ type: 'check_parked', attempt, reason: error });
  draft.emit({ type: 'check_failed', attempt, error, dueAt: now + delayMs(backoff, work.failures, draw) });
}
