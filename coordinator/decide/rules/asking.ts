import { planted } from '#faults';
import { delayMs } from '../backoff.js';
import { conclude, decideCommit } from '../conclude.js';
import type { Draft } from '../draft.js';
import type { Event } from '../events.js';
import type { InputOf, Verdict } from '../inputs.js';
import type { Work } from '../state.js';
import { stale } from './verdicts.js';

/** What the initiator's check handler said. Only its "rolled back" decides rollback in an `ask` transaction. */
export function checkAnswer(draft: Draft, { attempt, answer }: InputOf<'check_answer'>): Verdict | undefined {
  const { check } = draft.state;
  if (check?.at !== 'asked') return stale('nobody is asking');
  if (answer === 'commit') decideCommit(draft, 'the check answered committed');
  else if (answer === 'rollback' || planted('no-answer-is-a-no'))
    draft.emit({ type: 'decided', decision: 'rollback', reason: check.reason });
  else if (attempt !== check.work.attempt) return stale('a newer attempt is under way');
  else draft.emit(checkFailed(draft, check.work, answer === 'unknown' ? notKnown : answer.error));
  conclude(draft);
  return undefined;
}

const notKnown = 'the check answered: not known yet';

export function checkFailed({ state, moment }: Draft, work: Work, error: string, crashed = false): Event {
  const { now, draw } = moment;
  const { backoff, parkAfterMs, crashesMax } = state.policy;
  const { attempt } = work;
  const poison = crashed && work.crashes + 1 >= crashesMax;
  const timeIsUp = !crashed && now - work.since >= parkAfterMs;
  if (poison || timeIsUp) return { type: 'check_parked', attempt, reason: error };
  const dueAt = now + delayMs(backoff, work.failures, draw);
  return { type: 'check_failed', attempt, error, dueAt, ...(crashed && { crashed }) };
}
