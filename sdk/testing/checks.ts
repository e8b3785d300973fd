/** What is looked at while a case goes on and at its end: the databases around a command, and what the user says must hold. */
import type { TransactionStatus } from '../protocol/views.js';
import type { Outcome } from './coordinators.js';
import { type Contents, contentsOf, levelCounters, type NamedDatabase } from './databases.js';
import type { End, ExploreOptions, Rehearsed } from './options.js';
import type { Effect, RehearsalParts } from './rehearsal.js';
import { keyOf, type Step } from './schedule.js';
import { messageOf, type Offence } from './witness.js';

/** Called around each command that is carried out. `onHand` is told which one is under way. */
export function looking<Made extends Rehearsed>(
  { options, made, looks }: RehearsalParts<Made>,
  databases: readonly NamedDatabase[],
  effects: Map<string, Effect>,
  offences: Offence[],
  onHand: (step: Step | undefined) => void,
): (step: Step, when: 'before' | 'after') => Promise<void> {
  let before: Contents = new Map();
  return async (step, when) => {
    onHand(when === 'before' ? step : undefined);
    if (when === 'before') {
      await levelCounters(databases);
      if (looks) before = await contentsOf(databases);
      return;
    }
    const key = keyOf(step);
    if (looks && !effects.has(key)) effects.set(key, { step, before, after: await contentsOf(databases) });
    const { midway } = options;
    const wrong = midway && (await wordsOf(() => midway(made)));
    if (wrong !== undefined) offences.push({ kind: 'invariant', step, what: `in between, after this: ${wrong}` });
  };
}

export async function checkAtEnd<Made extends Rehearsed>(
  { invariant }: ExploreOptions<Made>,
  made: Made,
  outcomes: readonly Outcome[],
  offences: Offence[],
): Promise<void> {
  if (!invariant) return;
  const end: End = {
    statuses: outcomes.map(({ status }) => status as TransactionStatus),
    committed: outcomes.at(-1)?.status === 'committed',
  };
  const wrong = await wordsOf(() => invariant(made, end));
  if (wrong !== undefined) offences.push({ kind: 'invariant', step: undefined, what: wrong });
}

/** What a check of the user's has to say; undefined when all is well. */
async function wordsOf(check: () => unknown): Promise<string | undefined> {
  try {
    const answer = await check();
    return typeof answer === 'string' && answer !== '' ? answer : undefined;
  } catch (error) {
    return messageOf(error);
  }
}
