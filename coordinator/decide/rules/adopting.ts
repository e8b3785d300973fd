import { planted } from '#faults';
import { conclude } from '../conclude.js';
import type { Draft } from '../draft.js';
import type { InputOf, Verdict } from '../inputs.js';
import { checkFailed } from './asking.js';
import { failed } from './outcomes.js';
import { stale } from './verdicts.js';

/**
 * Takes over from a coordinator that died. Each command that it may have had in flight counts as one attempt without
 * an outcome, so a command that kills its sender is counted and given up on in the end.
 */
export function adopt(draft: Draft, { from }: InputOf<'adopt'>): Verdict | undefined {
  const { state, moment } = draft;
  if (state.owner !== from) return stale(`${state.owner} owns it, not ${from}`);
  draft.emit({ type: 'adopted', from });
  const error = 'the coordinator stopped while the command may have been in flight';
  for (const branch of state.branches) {
    const { stage } = branch;
    if (stage.at !== 'asked' || stage.work.dueAt > moment.now || planted('no-adoption-attempt')) continue;
    failed(draft, { branch, work: stage.work }, error, { retryAfterMs: 0, crashed: true });
  }
  if (state.check?.at === 'asked' && state.check.work.dueAt <= moment.now) checkFailed(draft, state.check.work, error);
  conclude(draft);
  return undefined;
}
