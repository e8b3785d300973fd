import { planted } from '#faults';
import { conclude } from '../conclude.js';
import type { Draft } from '../draft.js';
import type { InputOf, Verdict } from '../inputs.js';
import type { Work } from '../state.js';
import { checkFailed } from './asking.js';
import { failed } from './meaning.js';
import { stale } from './verdicts.js';

/**
 * Takes over from a coordinator that died. Each command that it may have had in flight counts as one attempt without
 * an outcome, so a command that kills its sender is counted and given up on in the end. What a third coordinator sent
 * is waited for until it expires.
 */
export function adopt(draft: Draft, { from }: InputOf<'adopt'>): Verdict | undefined {
  const { state, moment } = draft;
  if (state.owner !== from) return stale(`${state.owner} owns it, not ${from}`);
  draft.emit({ type: 'adopted', from });
  const error = 'the coordinator stopped while the command may have been in flight';
  const mayBeInFlight = ({ by, dueAt }: Work) => by === from && dueAt <= moment.now && !planted('no-adoption-attempt');
  for (const branch of state.branches) {
    const { stage } = branch;
    if (stage.at !== 'asked' || !mayBeInFlight(stage.work)) continue;
    draft.emit(failed(draft, { branch, work: stage.work }, error, { crashed: true }));
  }
  const { check } = state;
  if (check?.at === 'asked' && mayBeInFlight(check.work)) draft.emit(checkFailed(draft, check.work, error, true));
  conclude(draft);
  return undefined;
}
